import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { GRPC } from '../lab/api.ts';
import { Lab, makeFolder } from '../lab/lab.ts';
import type { RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { HANG_MS } from '../lab/shell.ts';

/** All outputs are different. */
function manyRules(count: number): RuleSetText {
  const rules = Array.from({ length: count }, (_, i) => {
    const low = `${(i >> 16) + 1}:${(i & 0xffff).toString(16)}`;
    return { exporter: { host: `2001:db8::${low}` }, outputs: [[{ host: `2001:db8:c::${low}` }]] };
  });
  return { rules, defaultOutputs: [] };
}

/** @param mib that the heap may grow to */
function startWith(mib: number, lab: Lab, folder: string, state: string): Promise<Service> {
  const prefix = ['env', `NODE_OPTIONS=--max-old-space-size=${mib}`];
  return Service.start(lab, { folder, prefix, state });
}

describe('a service with little memory', { skip: requireRoot() }, () => {
  test('V6: rules for which there is no memory are refused or not restored, and the service works on', async () => {
    await using lab = await Lab.create();
    const folder = makeFolder('database');
    try {
      {
        await using service = await startWith(64, lab, folder, 'OK');
        await service.api.replace(manyRules(10), HANG_MS);
        const refused = service.api.replace(manyRules(40_000), HANG_MS);
        await assert.rejects(refused, {
          code: GRPC.RESOURCE_EXHAUSTED,
          message: /max-old-space-size/,
        });
        assert.equal((await service.api.rules()).rules.length, 10);
        await service.api.replace(manyRules(20), HANG_MS);
        assert.equal((await service.api.rules()).rules.length, 20);
        await service.stop();
      }
      {
        await using service = await startWith(1024, lab, folder, 'OK');
        await service.api.replace(manyRules(40_000), HANG_MS);
        await service.stop();
      }
      {
        await using service = await startWith(64, lab, folder, 'NotConfigured');
        const { proxy } = await service.api.status();
        assert.match(proxy.error ?? '', /left as it is.*give the service more memory/s);
        await service.stop();
      }
      await using service = await startWith(1024, lab, folder, 'OK');
      assert.equal((await service.api.rules()).rules.length, 40_000);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
