/** A rule set that says everything there is to say goes wherever rules go, and comes back as it was. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lab, PROXY_V4 } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy, Service } from '../lab/service.ts';
import { attempt, HANG_MS, waitFor } from '../lab/shell.ts';

const FILE = fileURLToPath(new URL('../../examples/networks.txtpb', import.meta.url));
const ORPHANS = { COLLECTOR_FLOXY_ORPHAN_SECONDS: '60' };

describe('rules that say everything', { skip: requireRoot() }, () => {
  let lab: Lab;
  let leader: Service;
  let written: string;

  before(async () => {
    lab = await Lab.create();
    leader = await Service.start(lab, {
      settings: {
        ...ORPHANS,
        COLLECTOR_API_ADDRESS: '0.0.0.0',
        COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow',
      },
    });
    await cli(leader, 'rules', 'replace', FILE);
    written = await listOf(leader);
  });
  after(async () => {
    await leader[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });

  async function cli(service: Service, ...args: string[]): Promise<string> {
    const namespace = service === leader ? lab.proxy : lab.exporters;
    const { stdout, stderr, status } = await attempt([
      'ip',
      'netns',
      'exec',
      namespace,
      floxy,
      ...args,
    ]);
    assert.equal(status, 0, `floxy ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Without the line of the revision. */
  async function listOf(service: Service): Promise<string> {
    const text = await cli(service, 'rules', 'list', '-o', 'text');
    return text.replace(/^# revision: \d+\n/, '');
  }

  test('A1 A2: they are listed as they were given', async () => {
    for (const field of ['prefix_length: 16', 'health: {}', 'standby: true', 'dscp: 10']) {
      assert.ok(written.includes(field), `${field} in\n${written}`);
    }
    assert.match(await cli(leader, 'rules', 'diff', FILE), /^no difference$/m);
  });

  test('A32: a rollback brings them back, and so does a backup', async () => {
    const backup = join(leader.folder, 'everything.backup');
    await cli(leader, 'backup', backup);
    await cli(leader, 'rules', 'replace', '--allow-empty', '/dev/null');
    assert.doesNotMatch(await listOf(leader), /exporter/);
    await cli(leader, 'rules', 'rollback', '1');
    assert.equal(await listOf(leader), written);
    await cli(leader, 'rules', 'replace', '--allow-empty', '/dev/null');
    await cli(leader, 'restore', backup);
    assert.equal(await listOf(leader), written);
  });

  test('A13: a follower has them, too', async () => {
    const settings = { COLLECTOR_FLOXY_FOLLOW: `${PROXY_V4}:8853` };
    await using follower = await Service.start(lab, { settings, namespace: lab.exporters });
    await waitFor('the follower has the rules', async () => (await listOf(follower)) === written);
  });

  test('A8: they survive an upgrade in place, and a restart', async () => {
    const options = { settings: ORPHANS, namespace: lab.exporters };
    await using first = await Service.start(lab, options);
    await cli(first, 'rules', 'replace', FILE);
    process.kill(first.pid, 'SIGUSR2');
    await first.waitForEnd(HANG_MS);
    const second = await Service.start(lab, { ...options, folder: first.folder });
    assert.equal(await listOf(second), written);
    await second.stop();
    await using third = await Service.start(lab, { ...options, folder: first.folder });
    assert.equal(await listOf(third), written);
    await third.stop();
  });
});
