import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Method } from './method.ts';
import type { ChatEntry, Entries, StreamEntry } from './services.ts';

/**
 * The methods of a service with who answers them.
 *
 * @param streams handlers of the methods that answer with a stream
 * @param chats handlers of those that take one besides
 * @throws Error when a method has no handler, or a handler no method
 */
export function implement(
  definition: ServiceDefinition,
  entries: Entries,
  streams: Readonly<Record<string, StreamEntry>> = {},
  chats: Readonly<Record<string, ChatEntry>> = {},
): Method[] {
  for (const name of Object.keys({ ...entries, ...streams, ...chats })) {
    if (!(name in definition)) throw new Error(`handler ${name} has no method`);
  }
  return Object.entries(definition).map(([name, method]) => {
    const entry = entries[name];
    if (entry !== undefined) return { kind: 'unary', definition: method, ...entry };
    const chat = chats[name];
    if (chat !== undefined) return { kind: 'chat', definition: method, ...chat };
    const stream = streams[name];
    if (stream === undefined) throw new Error(`${method.path} has no handler`);
    return { kind: 'stream', definition: method, ...stream };
  });
}
