/** The pages of the real service, with real packets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { Program } from '../lab/program.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { endSteadyTraffic, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';
import { tellTime } from '../lab/times.ts';
import { ask, get } from './http-questions.ts';

const METRICS = 'http://127.0.0.1:8081/metrics';
const READY = 'http://127.0.0.1:8081/readyz';

/** With those of the traffic 10,000. */
const MANY = Array.from({ length: 9995 }, (_, i) => ({
  exporter: { host: `100.64.${i >> 8}.${i & 255}` },
  outputs: [[{ host: '198.51.100.1', port: 9995 }], [{ host: '198.51.100.2', port: 9995 }]],
}));

/** Values of a page by their series. */
function valuesOf(page: string): Map<string, number> {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const blank = line.lastIndexOf(' ');
      return [line.slice(0, blank), Number(line.slice(blank + 1))];
    }),
  );
}

describe('metrics of the service', { skip: requireRoot() }, () => {
  test('S30: the page has the numbers of the packets: by rule, collector, forwarder and loss', async () => {
    await using stage = await Stage.start();
    const exporter = { host: '203.0.113.7' };
    await stage.api.replace({
      rules: [
        {
          exporter,
          outputs: [[{ host: '198.51.100.1', port: 9995 }], [{ host: '192.88.99.1', port: 9 }]],
        },
      ],
      defaultOutputs: [[{ host: '198.51.100.2', port: 9995 }]],
    });
    const payload = Buffer.alloc(100, 'x');
    const from = [exporter, exporter, { host: '203.0.113.8' }];
    await stage.exchange(from.map(({ host }) => ({ from: { host, port: 5000 }, payload })));
    const { body } = await get(stage.lab.proxy, METRICS);
    const values = valuesOf(body);
    const expected = {
      'floxy_exporter_received_packets_total{exporter="203.0.113.7"}': 2,
      'floxy_exporter_received_bytes_total{exporter="203.0.113.7"}': 200,
      'floxy_exporter_sent_packets_total{exporter="203.0.113.7",collector="198.51.100.1:9995"}': 2,
      'floxy_exporter_sent_packets_total{exporter="203.0.113.7",collector="192.88.99.1:9"}': 0,
      'floxy_exporter_sent_packets_total{exporter="default",collector="198.51.100.2:9995"}': 1,
      floxy_mismatched_packets_total: 1,
      'floxy_collector_sent_packets_total{collector="198.51.100.1:9995"}': 2,
      'floxy_losses_total{cause="send_errors"}': 2,
      'floxy_losses_total{cause="kernel_drops"}': 0,
      floxy_rules: 1,
      floxy_rules_revision: 1,
      'floxy_state{subsystem="proxy",state="OK"}': 1,
      'floxy_api_calls_total{method="collector.proto.Settings/ReplaceProxyRules",code="OK"}': 1,
    };
    const seen = Object.keys(expected).map((name) => [name, values.get(name)]);
    assert.deepEqual(Object.fromEntries(seen), expected);
    const forwarders = ['0', '1'].map(
      (index) =>
        values.get(
          `floxy_forwarder_received_packets_total{engine="socket",forwarder="${index}"}`,
        ) ?? 0,
    );
    assert.equal(
      forwarders.reduce((sum, packets) => sum + packets, 0),
      3,
    );
    const pids = await stage.service.forwarderPids();
    assert.equal(pids.length, 2);
    for (const index of ['0', '1']) {
      const of = `{process="forwarder",forwarder="${index}"}`;
      assert.ok((values.get(`floxy_process_resident_memory_bytes${of}`) ?? 0) > 1e6);
      assert.ok((values.get(`floxy_process_open_fds${of}`) ?? 0) > 0);
    }
  });

  test('S31: 10,000 rules are told again and again while packets are forwarded, and none is lost', async (t) => {
    await using stage = await Stage.start();
    const rules = [...STEADY_RULES.rules, ...MANY];
    await stage.api.replace({ rules, defaultOutputs: STEADY_RULES.defaultOutputs ?? [] });
    await startSteadyTraffic(stage, 5000);
    const accept = 'application/openmetrics-text;version=1.0.0';
    const answers = await ask(stage.lab.proxy, [
      ...Array.from({ length: 4 }, () => ({ url: METRICS })),
      { url: METRICS, headers: { accept } },
      { url: `${METRICS}?rule=100.64.0.9&rule=192.0.2.77` },
    ]);
    const account = await endSteadyTraffic(stage);
    assert.ok(account.arrived > 0);
    for (const { status, body, tookMs } of answers.slice(0, 5)) {
      assert.equal(status, 200);
      tellTime('10,000 rules are scraped', tookMs, 1000);
      const values = valuesOf(body);
      assert.equal(values.get('floxy_rules'), rules.length);
      assert.equal(values.get('floxy_rules_aggregated'), 0);
      const received = 'floxy_exporter_received_packets_total{exporter="100.64.39.10"}';
      assert.equal(values.get(received), 0);
    }
    t.diagnostic(`took ${answers.map(({ tookMs }) => Math.round(tookMs)).join(' ')} ms`);
    t.diagnostic(`${answers[0]?.body.length} characters`);
    assert.match(answers[4]?.body ?? '', /\n# EOF\n$/);
    const some = valuesOf(answers[5]?.body ?? '');
    assert.equal(some.get('floxy_rules_not_found'), 1);
    assert.equal(some.size, 7);
  });

  test('S32: /readyz says when the node is drained; /healthz answers all the while', async () => {
    await using stage = await Stage.start();
    assert.equal((await get(stage.lab.proxy, READY)).status, 200);
    await stage.api.call('Settings', 'Drain', {});
    const { status, body } = await get(stage.lab.proxy, READY);
    assert.deepEqual([status, body], [503, 'not ready: the node is being drained\n']);
    assert.equal((await get(stage.lab.proxy, 'http://127.0.0.1:8081/healthz')).status, 200);
    await stage.api.call('Settings', 'Drain', { cancel: true });
    assert.equal((await get(stage.lab.proxy, READY)).status, 200);
  });

  test('S32: an address that another program has is told, and taken when it is free; the proxy is OK meanwhile', async () => {
    await using lab = await Lab.create({});
    await using other = new Program(lab.proxy, [
      ...['python3', '-m', 'http.server', '8081', '--bind', '127.0.0.1'],
    ]);
    await waitFor('the other program answers', async () => {
      return (await get(lab.proxy, 'http://127.0.0.1:8081/')).status === 200;
    });
    await using service = await Service.start(lab);
    const told = /127\.0\.0\.1:8081: another program listens there; set COLLECTOR_METRICS_ADDRESS/;
    await waitFor(
      () => `it is told: ${service.log}`,
      () => told.test(service.log),
    );
    await other.end('SIGTERM');
    await waitFor('pages are served', async () => {
      return (await get(lab.proxy, READY)).body === 'ready\n';
    });
    assert.equal(service.log.match(/monitoring is not served/g)?.length, 1);
    await service.stop();
  });

  test('S32: off serves nothing', async () => {
    await using stage = await Stage.start({ settings: { COLLECTOR_METRICS_ADDRESS: 'off' } });
    assert.equal((await get(stage.lab.proxy, READY)).status, 0);
  });
});
