/**
 * The thread of the database: writes wait for the disk here, and hold up nothing else. Started by
 * threaded-rule-store.ts.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { FloxyError } from '../base/errors.ts';
import type { RestoredRules } from '../control/ports.ts';
import type { Rule } from '../model/rules.ts';
import { type LogLevel, SqliteRuleStore } from './sqlite-rule-store.ts';
import type {
  ThreadFailure,
  ThreadMessage,
  ThreadOptions,
  ThreadRequest,
} from './thread-messages.ts';

function serveStore(port: MessagePort, { path }: ThreadOptions): void {
  const send = (message: ThreadMessage) => port.postMessage(message);
  const logAs = (level: LogLevel) => (fields: object, message: string) =>
    send({ kind: 'log', level, fields, message });
  const log = { info: logAs('info'), warn: logAs('warn'), error: logAs('error') };
  const store = new SqliteRuleStore({ path, log });
  let rules: Rule[] = [];

  const obey = (request: Exclude<ThreadRequest, { kind: 'rules' }>): RestoredRules | undefined => {
    switch (request.kind) {
      case 'open':
        return store.open();
      case 'replaceAll': {
        const { revision, defaultOutputs, followed } = request;
        store.replaceAll(revision, { rules, defaultOutputs }, followed);
        return undefined;
      }
      case 'update':
        store.update(request.revision, { ...request.update, upserts: rules }, request.followed);
        return undefined;
      case 'saveFollowed':
        store.saveFollowed(request.followed);
        return undefined;
      case 'close':
        store.close();
        return undefined;
    }
  };

  port.on('message', (request: ThreadRequest) => {
    if (request.kind === 'rules') {
      for (const rule of request.rules) rules.push(rule);
      return;
    }
    try {
      const restored = obey(request);
      send({ kind: 'answer', status: store.status(), ...(restored && { restored }) });
    } catch (thrown) {
      send({ kind: 'answer', status: store.status(), failure: failureOf(thrown) });
    }
    rules = [];
    if (request.kind === 'close') port.close();
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
