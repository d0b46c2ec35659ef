import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import type { EncodedBatch } from '../../src/flow/model/encoded-batch.ts';
import type { Producer, ProducerContext, ProducerKind } from '../../src/flow/model/producer.ts';
import { waitFor } from '../lab/shell.ts';

const QUICK = { batch_delay: '5ms', retry_delay: '10ms', retry_delay_max: '100ms' };

/** Texts as messages of one record each; what is before a colon is the key. */
export function offerOf(texts: readonly string[]): EncodedBatch {
  let end = 0;
  const ends = Uint32Array.from(texts, (text) => (end += text.length));
  const keys = texts.map((text) => Buffer.from(text.split(':', 1)[0] ?? ''));
  return { bytes: Buffer.from(texts.join('')), ends, keys, records: texts.length };
}

/** A producer that is started, and stopped at the end. */
export async function startProducer(
  kind: ProducerKind<unknown>,
  options: object,
  context: Partial<ProducerContext> = {},
): Promise<Producer & AsyncDisposable> {
  const parsed = kind.options.parse({ ...QUICK, ...options });
  const log = pino({ level: 'silent' });
  const producer = kind.create(parsed, { log, pipeline: 'p', shard: 0, ...context });
  await producer.start();
  return Object.assign(producer, { [Symbol.asyncDispose]: () => producer.stop(2000) });
}

/** Waits until a producer tells that it fails. @returns what it says */
export async function failureOf(producer: Producer): Promise<string> {
  await waitFor('it fails', () => producer.status.state === 'failing');
  return producer.status.error ?? '';
}

/** A folder that goes away with the test. */
export function temporaryFolder() {
  return mkdtempDisposable(path.join(tmpdir(), 'floxy-producer-'));
}
