import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipelineStats } from '../../../test/support/pipeline-stats.ts';
import type { PipelineStats } from '../../flow/pipeline/stats.ts';
import { familiesOf } from '../metric.ts';
import { VflowCounters } from './figures.ts';
import { flowPage, sysPage } from './pages.ts';
import { VFLOW_METRICS } from './series.ts';

const STARTED = new Date(1_571_769_677_900);

function countersOf(pipelines: PipelineStats[]): VflowCounters {
  return new VflowCounters({ pipelines: () => pipelines });
}

test("/flow has vFlow's keys in vFlow's order, UDPMirrorQueue for IPFIX alone", () => {
  const pipelines = [
    pipelineStats({
      workers: 10,
      decode: { ipfix: { datagrams: 7, decodedDatagrams: 6 }, netflow5: { datagrams: 3 } },
    }),
  ];
  const six = '"MessageQueue":0,"UDPCount":0,"DecodedCount":0,"MQErrorCount":0,"Workers":10';
  const { body, contentType } = flowPage(countersOf(pipelines), STARTED);
  assert.equal(contentType, 'application/json');
  assert.equal(
    body,
    `{"StartTime":1571769677,"IPFIX":{"UDPQueue":0,"UDPMirrorQueue":0,${six
      .replace('"UDPCount":0', '"UDPCount":7')
      .replace(
        '"DecodedCount":0',
        '"DecodedCount":6',
      )}},"SFlow":{"UDPQueue":0,${six}},"NetflowV5":{"UDPQueue":0,${six.replace('"UDPCount":0', '"UDPCount":3')}},"NetflowV9":{"UDPQueue":0,${six}}}\n`,
  );
});

test("/sys has vFlow's keys", () => {
  const found = JSON.parse(sysPage(STARTED).body);
  assert.deepEqual(Object.keys(found), [
    ...['MemAlloc', 'MemTotalAlloc', 'MemHeapAlloc', 'MemHeapSys', 'MemHeapReleased'],
    ...['MCacheInuse', 'GCSys', 'GCNext', 'GCLast', 'NumLogicalCPU', 'NumGoroutine', 'MaxProcs'],
    ...['GoVersion', 'StartTime'],
  ]);
  assert.equal(found.StartTime, 1_571_769_677);
  const { GCLast, GoVersion, ...numbers } = found;
  assert.deepEqual([typeof GCLast, typeof GoVersion], ['string', 'string']);
  for (const value of Object.values(numbers)) assert.ok(Number.isInteger(value));
});

test('there are 25 series without labels: 8 counters of datagrams, 4 of errors, the rest gauges', () => {
  const families = familiesOf(VFLOW_METRICS, countersOf([pipelineStats()]).read());
  assert.equal(families.length, 25);
  assert.equal(new Set(families.map(({ name }) => name)).size, 25);
  const counters = families.filter(({ type }) => type === 'counter').map(({ name }) => name);
  assert.equal(counters.length, 12);
  for (const name of counters) assert.match(name, /_(decoded_packets|udp_packets|mq_error)$/);
  assert.ok(
    families.every(({ samples }) => {
      const [first, ...others] = samples;
      return others.length === 0 && first?.labels === undefined;
    }),
  );
});

test('datagrams are those of the pipeline that has seen most; workers, queues and errors are added up', () => {
  const { ipfix, sflow } = countersOf([
    pipelineStats({
      name: 'a',
      workers: 2,
      decode: { ipfix: { datagrams: 75 }, sflow: { datagrams: 25 } },
      ring: { lag: 100 },
      producer: { failed: 8, queuedRecords: 40 },
    }),
    pipelineStats({ name: 'b', workers: 1, decode: { ipfix: { datagrams: 70 } } }),
  ]).read();
  assert.deepEqual(ipfix, {
    udpQueue: 75,
    messageQueue: 30,
    udpCount: 75,
    decodedCount: 0,
    mqErrorCount: 6,
    workers: 3,
  });
  assert.deepEqual([sflow.udpCount, sflow.udpQueue, sflow.mqErrorCount], [25, 25, 2]);
});

test('counts never go back: errors by what came meanwhile, pipelines that go and come again', () => {
  const pipelines = [
    pipelineStats({ decode: { ipfix: { datagrams: 100 } }, producer: { dropped: 10 } }),
  ];
  const counters = countersOf(pipelines);
  assert.equal(counters.read().ipfix.mqErrorCount, 10);
  const decode = { ipfix: { datagrams: 100 }, sflow: { datagrams: 900 } };
  pipelines[0] = pipelineStats({ decode, producer: { dropped: 15 } });
  const second = counters.read();
  assert.deepEqual([second.ipfix.mqErrorCount, second.sflow.mqErrorCount], [10, 5]);
  pipelines.length = 0;
  const third = counters.read();
  assert.deepEqual([third.ipfix.udpCount, third.sflow.udpCount], [100, 900]);
  assert.deepEqual([third.ipfix.mqErrorCount, third.sflow.mqErrorCount], [10, 5]);
  pipelines.push(pipelineStats({ decode: { ipfix: { datagrams: 5 } }, producer: { dropped: 2 } }));
  const fourth = counters.read();
  assert.deepEqual([fourth.ipfix.udpCount, fourth.ipfix.mqErrorCount], [100, 12]);
});
