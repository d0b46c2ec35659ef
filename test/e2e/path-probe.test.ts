import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PROXY_V4 } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

const RULES = {
  rules: [{ exporter: { host: '203.0.113.1' }, outputs: [[{ host: '198.51.100.1', port: 9995 }]] }],
};

/** A firewall that drops what the proxy sends to itself to see whether packets are forwarded. */
const dropTestDatagrams = (match = '') =>
  `table inet floxy_test { chain input { type filter hook input priority 0; iif lo udp dport 2055 ${match} drop; }; }`;

async function stageWithRules(): Promise<Stage> {
  const stage = await Stage.start();
  await stage.api.replace(RULES);
  await stage.service.waitForState('OK');
  return stage;
}

const nft = (stage: Stage, command: string) =>
  stage.lab.run(stage.lab.proxy, ['nft', ...command.split(' ')]);

const countInLog = (stage: Stage, text: string) => stage.service.log.split(text).length - 1;

describe('test datagrams', { skip: requireRoot() }, () => {
  test('a firewall that drops them, and no packets: Configuring, and the text names firewall and setting', async () => {
    await using stage = await stageWithRules();
    await nft(stage, dropTestDatagrams());
    await stage.service.waitForState('Configuring');
    const { error = '' } = (await stage.api.status()).proxy;
    assert.match(error, /firewall/);
    assert.match(error, /COLLECTOR_FLOXY_PROBE_INTERVAL_MS=0/);
    await nft(stage, 'delete table inet floxy_test');
    await stage.service.waitForState('OK');
    await waitFor('the log tells of it', () => countInLog(stage, 'the proxy is OK again') === 1);
    assert.equal(countInLog(stage, 'the proxy is Configuring'), 1);
    const lines = stage.service.log.split('\n').filter((line) => line.includes('test datagrams'));
    assert.equal(lines.length, 1, lines.join('\n'));
  });

  test('those of some source ports do not come back: the others do not hide it', async () => {
    await using stage = await stageWithRules();
    await nft(stage, dropTestDatagrams('udp sport & 1 == 1'));
    await stage.service.waitForState('Configuring');
    const { error = '' } = (await stage.api.status()).proxy;
    const [, failing, sources] = /\((\d+) of (\d+) source ports\)/.exec(error) ?? [];
    assert.ok(Number(failing) > 0 && Number(failing) < Number(sources), error);
    await nft(stage, 'delete table inet floxy_test');
    await stage.service.waitForState('OK');
  });

  test('a firewall that drops them takes no node out whose packets are forwarded', async () => {
    await using stage = await stageWithRules();
    await nft(stage, dropTestDatagrams());
    const packet = { from: { host: '203.0.113.1', port: 1 }, to: { host: PROXY_V4, port: 2055 } };
    const send = () => stage.exporters.send([{ ...packet, payload: Buffer.from('real') }]);
    await waitFor('the log tells of it', async () => {
      await send();
      return countInLog(stage, 'but real packets are forwarded') === 1;
    });
    for (let i = 0; i < 20; i++) {
      await send();
      assert.equal((await stage.api.status()).proxy.state, 'OK');
    }
  });
});
