/**
 * The thread of the database: writes wait for the disk here, and hold up nothing else. Started by
 * threaded-rule-store.ts.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { FloxyError } from '../base/errors.ts';
import { SpareMemory } from '../base/spare-memory.ts';
import { detachLists, LongLists } from './long-lists.ts';
import { type LogLevel, SqliteRuleStore } from './sqlite-rule-store.ts';
import { StoreQuestions } from './store-questions.ts';
import type {
  StoreMethods,
  ThreadFailure,
  ThreadMessage,
  ThreadOptions,
  ThreadRequest,
} from './thread-messages.ts';

/** The database is looked after so often. */
const TEND_INTERVAL_MS = 1000;

function serveStore(port: MessagePort, options: ThreadOptions): void {
  const send = (message: ThreadMessage) => port.postMessage(message);
  const logAs = (level: LogLevel) => (fields: object, message: string) =>
    send({ kind: 'log', level, fields, message });
  const log = { info: logAs('info'), warn: logAs('warn'), error: logAs('error') };
  const store = new SqliteRuleStore({ ...options, log });
  const questions = new StoreQuestions({ ...options, store });
  const lists = new LongLists();
  const spareMemory = new SpareMemory();
  const tending = setInterval(() => {
    const before = JSON.stringify(store.status());
    store.tend();
    const status = store.status();
    if (JSON.stringify(status) !== before) send({ kind: 'status', status });
    spareMemory.look();
  }, TEND_INTERVAL_MS);

  port.on('message', (request: ThreadRequest) => {
    if (request.kind === 'piece') {
      lists.add(request.piece);
      return;
    }
    const { method, args } = request;
    try {
      const owner: Partial<StoreMethods> = method in store ? store : questions;
      const result = Reflect.apply(
        owner[method] as StoreMethods[typeof method],
        owner,
        lists.attach(args),
      );
      const { rest, pieces } = detachLists([result]);
      for (const piece of pieces) send({ kind: 'piece', piece });
      send({ kind: 'answer', status: store.status(), result: rest[0] });
    } catch (thrown) {
      send({ kind: 'answer', status: store.status(), failure: failureOf(thrown) });
    }
    if (method !== 'close') return;
    clearInterval(tending);
    port.close();
  });
}

function failureOf(thrown: unknown): ThreadFailure {
  if (!(thrown instanceof Error)) {
    return { code: undefined, message: String(thrown), stack: undefined };
  }
  const { message, stack } = thrown;
  return { code: thrown instanceof FloxyError ? thrown.code : undefined, message, stack };
}

if (parentPort === null) throw new Error('runs as a thread only');
serveStore(parentPort, workerData as ThreadOptions);
