import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { netflow5 } from '../../../../test/flow/support/netflow5.ts';
import { packetsOf } from '../../../../test/support/packets.ts';
import { BatchWriter } from '../../decode/batch-writer.ts';
import { NetflowColumns } from '../../decode/columns/netflow-columns.ts';
import { makeDecodeCounters } from '../../decode/counters.ts';
import { Decoder } from '../../decode/decoder.ts';
import { NetflowWalker } from '../../decode/netflow-walker.ts';
import { SflowColumns } from '../../decode/sflow/columns.ts';
import { SflowWalker } from '../../decode/sflow/walker.ts';
import { makeEnricher } from '../../enrich/make-enricher.ts';
import type { EnrichmentOptions } from '../../enrich/options.ts';
import { BUILT_IN } from '../config/built-in.ts';
import { TappedWriting } from './tapped-writing.ts';

test('rows have what their own datagrams say, when the next batch is in the same memory', () => {
  const counters = makeDecodeCounters();
  const octets: number[] = [];
  const writer = new BatchWriter(({ rows, columns }) => {
    octets.push(...columns.bytes.low.subarray(0, rows));
  });
  const log = pino({ level: 'silent' });
  const written = {
    netflow: new NetflowColumns(writer, { counters }),
    sflow: new SflowColumns(writer),
    get waiting() {
      return writer.batch.rows;
    },
    flush: () => writer.flush(),
  };
  const writing = new TappedWriting(written, {
    extras: [],
    sampling: [],
    enricher: makeEnricher(BUILT_IN.enrich.parse({}) as EnrichmentOptions, { log, folder: '/' }),
    send: () => {},
  });
  const decoder = new Decoder({
    counters,
    netflow: new NetflowWalker({ counters, consumers: [writing.netflow] }),
    sflow: new SflowWalker(writing.sflow, counters),
  });
  const packets = packetsOf([netflow5(1, 1), netflow5(1, 2)]);
  decoder.decode(packets);
  packets.bytes.set(netflow5(1, 3), packets.offsets[0]);
  packets.bytes.set(netflow5(1, 4), packets.offsets[1]);
  decoder.decode(packets);
  writing.flush();
  assert.deepEqual(octets, [100, 200, 300, 400]);
});
