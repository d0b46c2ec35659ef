import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';

describe('signals', { skip: requireRoot() }, () => {
  test('SIGHUP, as from a session that closes, ends neither control nor forwarders, and is logged', async () => {
    await using lab = await Lab.create();
    await using service = await Service.start(lab);
    const forwarders = await service.forwarderPids();
    for (const pid of [...forwarders, service.pid]) process.kill(pid, 'SIGHUP');
    await waitFor('it is logged', () => service.log.includes('SIGHUP changes nothing'));
    assert.deepEqual(await service.forwarderPids(), forwarders);
    await service.waitForState('OK');
    await service.stop();
  });

  test('ps, top and ss show which process is which', async () => {
    await using lab = await Lab.create();
    await using service = await Service.start(lab);
    const name = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    assert.equal(name(service.pid), 'floxy: control');
    const [forwarder = 0] = await service.forwarderPids();
    assert.equal(name(forwarder), 'floxy: forwarde'); // comm has 15 characters
  });
});
