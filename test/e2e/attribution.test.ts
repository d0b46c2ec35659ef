/** Whose packets come, to whom copies are lost, and which collectors cannot be reached: as people see it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

const PORT = 9995;
const HEALTHY = { host: '198.51.100.1', port: PORT };
const FORBIDDEN = { host: '198.51.100.2', port: PORT };
const NOWHERE = { host: '100.127.0.1', port: PORT };
/** On the proxy's own network, where nobody is. */
const DEAD = { host: '198.18.2.99', port: PORT };
const ONE = { host: '203.0.113.1', port: 5000 };
const OTHER = { host: '203.0.113.2', port: 5001 };
const IPFIX = Buffer.from('000a0010', 'hex');

interface Line {
  readonly msg: string;
  readonly [key: string]: unknown;
}

describe('losses and exporters', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({ settings: { COLLECTOR_FLOXY_THREAD_COUNT: '2' } });
    await inProxy('nft add table inet floxy_test');
    await inProxy('nft add chain inet floxy_test out { type filter hook output priority 0; }');
    await inProxy(`nft add rule inet floxy_test out ip daddr ${FORBIDDEN.host} drop`);
  });
  after(() => stage[Symbol.asyncDispose]());

  const inProxy = (command: string) => stage.lab.run(stage.lab.proxy, command.split(' '));

  const lines = (): Line[] =>
    stage.service.log
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []));

  /** Waits for a line, and returns it. @param after so many that do not count */
  async function line(what: string, isIt: (line: Line) => boolean, after = 0): Promise<Line> {
    const found = () => lines().slice(after).find(isIt);
    await waitFor(what, () => found() !== undefined);
    return found() as Line;
  }

  const rules = (...outputs: { host: string; port: number }[][]) => ({
    rules: [ONE, OTHER].map((exporter) => ({ exporter, outputs })),
    defaultOutputs: [],
  });

  test('S23: the log names collectors that fail differently, whose copies they were, and what helps', async () => {
    await stage.api.replace(rules([HEALTHY], [FORBIDDEN], [NOWHERE]));
    const shots = [ONE, ONE, OTHER].map((from) => ({ from, payload: IPFIX }));
    const arrived = await stage.exchange(shots);
    assert.equal(arrived.length, 3, 'the healthy one has all');
    const eperm = await line('EPERM is told', ({ kind }) => kind === 'send error EPERM');
    assert.equal(eperm['collectors'], '198.51.100.2:9995 (3)');
    assert.equal(eperm['advice'], 'a firewall of this host');
    const none = await line('ENETUNREACH is told', ({ kind }) => kind === 'send error ENETUNREACH');
    assert.equal(none['collectors'], '100.127.0.1:9995 (3)');
    assert.equal(none['advice'], 'a route to the collector');
    for (const { exporters } of [eperm, none]) {
      assert.deepEqual(String(exporters).split(', ').sort(), [
        '203.0.113.1:5000',
        '203.0.113.2:5001',
      ]);
    }
  });

  test('S23, S24, S26: the API tells collectors and exporters apart, with what each lost', async () => {
    const { collectors, exporters } = await stage.api.traffic();
    const told = collectors.map(({ endpoint, sent, errors, route, neighbour }) => [
      endpoint.host,
      sent.packets,
      errors.map(({ code, count }) => `${code} ${count}`).join(),
      route,
      neighbour,
    ]);
    assert.deepEqual(told.sort(), [
      [NOWHERE.host, '0', 'ENETUNREACH 3', 'none', 'unknown'],
      [HEALTHY.host, '3', '', 'ok', 'permanent'],
      [FORBIDDEN.host, '0', 'EPERM 3', 'ok', 'permanent'],
    ]);
    const last = collectors.find(({ endpoint }) => endpoint.host === FORBIDDEN.host)?.last_error;
    assert.equal(last?.code, 'EPERM');
    assert.match(last?.exporter.host ?? '', /^203\.0\.113\.[12]$/);
    const seen = exporters.map(({ endpoint, state, received, protocol, lost }) => [
      `${endpoint.host}:${endpoint.port}`,
      state,
      received.packets,
      protocol,
      lost,
    ]);
    assert.deepEqual(seen.sort(), [
      ['203.0.113.1:5000', 'Sending', '2', 'IPFIX', '4'],
      ['203.0.113.2:5001', 'Sending', '1', 'IPFIX', '2'],
    ]);
  });

  test('S24: exporters that no rule matches are known, and the proxy itself is none', async () => {
    const payload = Buffer.from('00000005', 'hex');
    await stage.exchange([
      { from: { host: '203.0.113.9', port: 4321 }, payload },
      { from: { host: '2001:db8:e::9', port: 4321 }, payload: Buffer.from('?') },
    ]);
    const { exporters } = await stage.api.traffic({ choice: 'Unknown' });
    const seen = exporters.map(({ endpoint, rule, protocol }) => [endpoint.host, rule, protocol]);
    assert.deepEqual(seen.sort(), [
      ['2001:db8:e::9', undefined, 'OTHER'],
      ['203.0.113.9', undefined, 'SFLOW_V5'],
    ]);
  });

  test('S23: the log names whose packets were cut', async () => {
    await stage.api.replace(rules([HEALTHY]));
    await stage.exchange([{ from: OTHER, payload: Buffer.alloc(1497) }]);
    const { exporters, advice } = await line('it is told', ({ kind }) => kind === 'truncated');
    assert.equal(exporters, '203.0.113.2:5001');
    assert.equal(advice, 'raise `COLLECTOR_FLOXY_PACKET_BUFFER_SIZE`');
  });

  test('S26: a neighbour that does not answer is told, and that it answers again', async () => {
    await stage.api.replace(rules([HEALTHY], [DEAD]));
    const about = (msg: string, host: string) => (one: Line) =>
      one.msg === msg && String(one['collectors']).includes(host);
    const dead = about('collectors cannot be reached', DEAD.host);
    await waitFor('it is told', async () => {
      // The kernel asks a neighbour only when there is something to send.
      await stage.exchange([{ from: ONE, payload: IPFIX }]);
      return lines().some(dead);
    });
    assert.match(
      String(lines().find(dead)?.['problem']),
      /^it does not answer ARP on col, .*count as sent/,
    );
    const neighbour = `${DEAD.host} lladdr 02:f1:00:00:02:02 dev col nud permanent`;
    await inProxy(`ip neigh replace ${neighbour}`);
    await line('it answers', about('collectors can be reached again', DEAD.host));
  });

  test('S26: a collector without a route is told, and that it has one again', async () => {
    const seen = lines().length;
    await stage.api.replace(rules([HEALTHY], [NOWHERE]));
    const about = (msg: string) => (one: Line) =>
      one.msg === msg && one['collectors'] === NOWHERE.host;
    const told = await line('it is told', about('collectors cannot be reached'), seen);
    assert.match(String(told['problem']), /^there is no route to it: add one/);
    await inProxy(`ip route add ${NOWHERE.host}/32 via 198.18.2.2 dev col`);
    await line('it has one', about('collectors can be reached again'), seen);
  });
});
