import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { packetsOf } from '../../../../test/support/packets.ts';
import { ipv4Packet, tcpHeader } from '../../../../test/support/sampled-packets.ts';
import {
  counterSample,
  flowSample,
  opaque,
  sampledHeader,
  sflowDatagram,
} from '../../../../test/support/sflow-writer.ts';
import { makeDecodeCounters } from '../../decode/counters.ts';
import { SflowWalker } from '../../decode/sflow/walker.ts';
import { makeEnricher } from '../../enrich/make-enricher.ts';
import type { EnrichmentOptions } from '../../enrich/options.ts';
import { jsonFormat } from '../../format/json.ts';
import type { RowFormatKind } from '../../model/format.ts';
import { BUILT_IN } from '../config/built-in.ts';
import type { SflowSettings } from '../config/schema.ts';
import { FlowPath } from './flow-path.ts';
import { RowWriting } from './row-writing.ts';
import { SeldomLog } from './seldom-log.ts';

/** Objects that one datagram of sFlow becomes in flat JSON. */
function write(sflow: SflowSettings): Record<string, unknown>[] {
  const objects: Record<string, unknown>[] = [];
  const log = pino({ level: 'silent' });
  const offer = ({ bytes, ends }: { bytes: Buffer; ends: Uint32Array }) => {
    for (const [i, end] of ends.entries()) {
      const text = bytes.toString('utf8', i === 0 ? 0 : ends[i - 1], end);
      objects.push(JSON.parse(text) as Record<string, unknown>);
    }
    return true;
  };
  const counters = makeDecodeCounters();
  const writing = new RowWriting({
    settings: { batch: { rows: 16, max_delay: 1000 }, sampling: [], sflow },
    format: jsonFormat as RowFormatKind<unknown>,
    formatOptions: jsonFormat.options.parse({}),
    extras: [],
    counters,
    enricher: makeEnricher(BUILT_IN.enrich.parse({}) as EnrichmentOptions, { log, folder: '/' }),
    path: new FlowPath({ offer }, new SeldomLog(log)),
  });
  const inner = ipv4Packet({ source: '10.0.0.1', protocol: 6 }, tcpHeader(1, 2, 3));
  const header = sampledHeader(ipv4Packet({ protocol: 4 }, inner), { protocol: 11 });
  const samples = [
    flowSample({ records: [header] }),
    counterSample({ records: [{ format: 1005, data: opaque('eth0') }] }),
  ];
  new SflowWalker(writing.sflow, counters).datagram(packetsOf([sflowDatagram({ samples })]), 0);
  assert.equal(writing.waiting, sflow.counters ? 2 : 1);
  writing.flush();
  assert.equal(writing.waiting, 0);
  return objects;
}

test('flow samples are rows, counter records objects of their own where they are wanted', () => {
  const [flow, ...others] = write({ tunnels: 'outer', counters: false });
  assert.deepEqual(others, []);
  assert.deepEqual([flow?.['type'], flow?.['src_addr']], ['SFLOW_5', '198.51.100.1']);
  const both = write({ tunnels: 'outer', counters: true });
  assert.deepEqual(
    both.map(({ type, name }) => [type, name]),
    [
      ['SFLOW_5', undefined],
      ['sflow_counter', 'eth0'],
    ],
  );
});

test('of a tunnel the packet that is asked for', () => {
  const [flow] = write({ tunnels: 'inner', counters: false });
  assert.equal(flow?.['src_addr'], '10.0.0.1');
});
