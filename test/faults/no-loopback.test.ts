import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lab, makeFolder, PROXY_V4 } from '../lab/lab.ts';
import { ip } from '../lab/namespaces.ts';
import { Program } from '../lab/program.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy } from '../lab/service.ts';
import { attempt, waitFor } from '../lab/shell.ts';

/** As in a namespace in which nobody has brought it up. */
async function takeLoopbackAway({ proxy }: Lab): Promise<void> {
  await ip(proxy, ['link set lo down', 'address flush dev lo']);
}

function startFloxy(lab: Lab, settings: NodeJS.ProcessEnv): Program {
  return new Program(lab.proxy, [floxy, 'serve'], {
    env: {
      COLLECTOR_FLOXY_ADDRESS: '[::]:2055',
      COLLECTOR_FLOXY_THREAD_COUNT: '1',
      COLLECTOR_DATABASE_PATH: `${makeFolder('database')}/collector.db`,
      ...settings,
    },
  });
}

describe('a host whose loopback is down', { skip: requireRoot() }, () => {
  test('the proxy works without test datagrams, and says so', async () => {
    await using lab = await Lab.create();
    await takeLoopbackAway(lab);
    const api = `${PROXY_V4}:8853`;
    await using program = startFloxy(lab, {
      COLLECTOR_API_ADDRESS: api,
      COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow',
    });
    const status = await waitFor(
      () => `the proxy is OK: ${program.log}`,
      async () => {
        assert.ok(!program.hasEnded, program.log);
        // Without loopback nobody on the host itself reaches it.
        const command = ['ip', 'netns', 'exec', lab.exporters, floxy, 'status', '-o', 'text'];
        const { stdout } = await attempt([...command, '--api', api]);
        return /^proxy: \{state: OK\}/m.test(stdout) && stdout;
      },
      20_000,
    );
    assert.match(status, /forwarders: \{/);
    assert.match(program.log, /no test datagrams can be sent.*ip link set lo up/);
    await program.end('SIGTERM');
    assert.equal(program.status, 0, program.log);
  });

  test('an API on loopback cannot be served: one line says why, and the status is 1', async () => {
    await using lab = await Lab.create();
    await takeLoopbackAway(lab);
    await using program = startFloxy(lab, {});
    await waitFor('it ends', () => program.hasEnded);
    assert.equal(program.status, 1);
    assert.match(program.log, /the API cannot be served/);
    assert.match(program.log, /127\.0\.0\.1:8853.*is loopback down\?/);
    assert.doesNotMatch(program.log, /\n +at /);
  });
});
