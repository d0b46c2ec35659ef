import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import pino from 'pino';
import { netflow9Message, set } from '../../../../test/support/netflow-writer.ts';
import { packetsOf } from '../../../../test/support/packets.ts';
import { makeDecodeCounters, PROTOCOL_WORD, protocolBlock } from '../../decode/counters.ts';
import { makeEnricher } from '../../enrich/make-enricher.ts';
import type { EnrichmentOptions } from '../../enrich/options.ts';
import { BUILT_IN } from '../config/built-in.ts';
import { CrashFolder } from './crash-folder.ts';
import { FlowDecoding } from './flow-decoding.ts';
import { FlowPath } from './flow-path.ts';
import { SeldomLog } from './seldom-log.ts';
import { VflowWriting } from './vflow-writing.ts';

test('D2: data that still waits for its template when the worker ends is counted as lost', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/floxy-worker-`);
  t.after(() => rmSync(folder, { recursive: true }));
  const log = pino({ level: 'silent' });
  const seldom = new SeldomLog(log);
  const path = new FlowPath({ offer: () => true }, seldom);
  const counters = makeDecodeCounters();
  const decoding = new FlowDecoding({
    writing: new VflowWriting({}, path),
    enricher: makeEnricher(BUILT_IN.enrich.parse({}) as EnrichmentOptions, { log, folder }),
    path,
    crashes: new CrashFolder(folder, 'shard-0'),
    counters,
    openTemplates: () => undefined,
    seldom,
  });
  const count = (key: 'pendingKept' | 'pendingDropped') =>
    counters[protocolBlock('netflow9') + PROTOCOL_WORD[key]];
  await decoding.start();
  decoding.decode(packetsOf([netflow9Message([set(256, [1, 2, 3, 4])])]));
  assert.deepEqual([count('pendingKept'), count('pendingDropped')], [1, 0]);
  decoding.stop();
  assert.deepEqual([count('pendingKept'), count('pendingDropped')], [1, 1]);
});
