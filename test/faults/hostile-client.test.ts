import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Agent } from '../lab/agent.ts';
import { GRPC } from '../lab/api.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Stage } from '../lab/stage.ts';
import { endSteadyTraffic, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';

const API = { host: '127.0.0.1', port: 8853 };
const MEGABYTE = 1024 * 1024;

describe('a hostile client of the API', { skip: requireRoot() }, () => {
  for (const [name, act] of [
    [
      'random bytes on many connections',
      async (agent: Agent) => {
        await agent.ask('sendNoise', { ...API, connections: 40, bytes: 10_000 });
      },
    ],
    [
      'a message of 100 MB',
      async (agent: Agent) => {
        const code = await agent.ask('sendMessage', { ...API, bytes: 100 * MEGABYTE });
        assert.equal(code, GRPC.RESOURCE_EXHAUSTED);
      },
    ],
    [
      'a message of 10 MB that is no message',
      async (agent: Agent) => {
        const code = await agent.ask<number>('sendMessage', { ...API, bytes: 10 * MEGABYTE });
        assert.notEqual(code, 0);
      },
    ],
    [
      '1,000 connections that do nothing',
      async (agent: Agent) => {
        await agent.ask('holdConnections', { ...API, connections: 1_000 });
      },
    ],
  ] as const) {
    test(`${name}: traffic is not disturbed, and the API answers others`, async () => {
      await using stage = await Stage.start();
      await using agent = await Agent.start(stage.lab.proxy, '../faults/hostile-agent.ts');
      await stage.api.replace(STEADY_RULES);
      await startSteadyTraffic(stage);
      const pids = await stage.service.forwarderPids();
      await act(agent);
      assert.equal((await stage.api.status()).proxy.state, 'OK');
      assert.equal((await stage.api.rules()).rules.length, STEADY_RULES.rules.length);
      await agent.ask('releaseConnections');
      await endSteadyTraffic(stage);
      assert.deepEqual(await stage.service.forwarderPids(), pids);
      await stage.service.stop();
    });
  }
});
