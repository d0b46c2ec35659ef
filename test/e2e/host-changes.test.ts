import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { ip } from '../lab/namespaces.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';

const COLLECTOR = { host: '198.51.100.7', port: 2055 };
const RULES = {
  rules: [
    {
      exporter: { host: '203.0.113.1' },
      outputs: [[COLLECTOR, { host: '198.51.100.1', port: 1 }]],
    },
    { exporter: { host: '203.0.113.2' }, outputs: [[{ host: '198.51.100.9', port: 2055 }]] },
  ],
};

describe('addresses of the host that change', { skip: requireRoot() }, () => {
  for (const [how, add, remove] of [
    ['an address', 'address add 198.51.100.7/32 dev lo', 'address del 198.51.100.7/32 dev lo'],
    ['a route', 'route add local 198.51.100.0/29 dev lo', 'route del local 198.51.100.0/29 dev lo'],
  ] as const) {
    test(`V4: a collector that becomes the proxy itself by ${how} is told by name until it is none`, async () => {
      await using lab = await Lab.create();
      await using service = await Service.start(lab);
      await service.api.replace(RULES);
      await ip(lab.proxy, [add]);
      const told = await waitFor('the state tells', async () => {
        const { proxy } = await service.api.status();
        return proxy.error !== undefined && proxy;
      });
      assert.equal(told.state, 'OK');
      assert.match(
        told.error ?? '',
        /packets circle: the collectors 198\.51\.100\.7:2055 have become/,
      );
      assert.match(service.log, /packets circle: the collectors 198\.51\.100\.7:2055 have/);
      await assert.rejects(
        service.api.replace(RULES),
        /198\.51\.100\.7 port 2055 is the proxy itself/,
      );
      await ip(lab.proxy, [remove]);
      await waitFor('the state forgets', async () => {
        return (await service.api.status()).proxy.error === undefined;
      });
    });
  }

  test('V4: rules without the collector end the warning at once', async () => {
    await using lab = await Lab.create();
    await using service = await Service.start(lab);
    await service.api.replace({ rules: [], defaultOutputs: [[{ host: '198.51.100.7' }]] });
    await ip(lab.proxy, ['address add 198.51.100.7/32 dev lo']);
    await waitFor('the state tells', async () => {
      return (await service.api.status()).proxy.error?.includes('198.51.100.7');
    });
    await service.api.replace({ rules: [] });
    assert.equal((await service.api.status()).proxy.error, undefined);
  });
});
