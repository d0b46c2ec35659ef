/** View.WatchEvents against a client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { pino } from 'pino';
import type { NewEvent } from '../../src/model/events.ts';
import { loadServices } from '../../src/protocol/definitions.ts';
import type { EventsPageMessage } from '../../src/protocol/view-messages.ts';
import { EventLog } from '../../src/telemetry/event-log.ts';
import { startApi, TestClient } from './harness.ts';

const quiet = pino({ level: 'silent' });
const { WatchEvents } = loadServices().view;

function emit(events: EventLog, kind: NewEvent['kind'], ...subjects: readonly string[]): void {
  for (const subject of subjects) events.emit({ kind, subject, cause: 'why' });
}

function watch(client: TestClient, request: object): ClientReadableStream<EventsPageMessage> {
  assert.ok(WatchEvents);
  const { path, requestSerialize, responseDeserialize } = WatchEvents;
  return client.client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
  ) as ClientReadableStream<EventsPageMessage>;
}

/** All events of a stream that ends, or of its first pages. */
async function read(call: ClientReadableStream<EventsPageMessage>, wanted = Infinity) {
  const pages: EventsPageMessage[] = [];
  let count = 0;
  for await (const page of call) {
    const { events = [] } = page as EventsPageMessage;
    pages.push(page);
    count += events.length;
    if (count >= wanted) break;
  }
  return {
    subjects: pages.flatMap(({ events = [] }) => events.map(({ subject }) => subject)),
    missed: pages.map(({ missed }) => missed),
    pages,
  };
}

test('S41: who was away gets what came after the event that it knows, and what happens then', async () => {
  const events = new EventLog({ log: quiet });
  await using api = await startApi({}, {}, { events });
  using client = new TestClient(api.address);
  emit(events, 'CollectorDown', 'a', 'b', 'c');
  const all = await read(watch(client, {}));
  assert.deepEqual(all.subjects, ['a', 'b', 'c']);
  const number = all.pages[0]?.events[1]?.number;
  const call = watch(client, { after: number, follow: true });
  call.once('data', () => emit(events, 'CollectorUp', 'd', 'e'));
  assert.deepEqual((await read(call, 3)).subjects, ['c', 'd', 'e']);
});

test('S41: kinds are chosen, also of what happens later', async () => {
  const events = new EventLog({ log: quiet });
  await using api = await startApi({}, {}, { events });
  using client = new TestClient(api.address);
  emit(events, 'CollectorDown', 'a');
  emit(events, 'ExporterNew', 'b');
  const call = watch(client, { kinds: ['ExporterNew'], follow: true });
  call.once('data', () => {
    emit(events, 'CollectorDown', 'c');
    emit(events, 'ExporterNew', 'd');
  });
  assert.deepEqual((await read(call, 2)).subjects, ['b', 'd']);
});

test('S41: a reader that is too slow is told how many it missed', async () => {
  const events = new EventLog({ log: quiet, kept: 100 });
  await using api = await startApi({}, {}, { events });
  using client = new TestClient(api.address);
  emit(events, 'CollectorDown', 'first');
  const call = watch(client, { follow: true });
  call.once('data', () => {
    // All at once: no watcher has a turn in between.
    for (let i = 0; i < 1000; i++) emit(events, 'CollectorDown', `${i}`);
  });
  const { subjects, missed } = await read(call, 101);
  assert.deepEqual(subjects.slice(0, 2), ['first', '900']);
  assert.equal(
    missed.find((count) => count !== undefined),
    '900',
  );
});

test('S41: watching begins with an answer when nothing has happened', async () => {
  const events = new EventLog({ log: quiet });
  await using api = await startApi({}, {}, { events });
  using client = new TestClient(api.address);
  const { pages } = await read(watch(client, { follow: true }), 0);
  assert.equal(pages.length, 1);
});

test('S41: a kind or a number that there cannot be is refused', async () => {
  await using api = await startApi();
  using client = new TestClient(api.address);
  for (const bad of [
    { kinds: ['Unspecified'] },
    { kinds: [77] },
    { after: '18446744073709551615' },
  ]) {
    await assert.rejects(read(watch(client, bad)), { code: 3 });
  }
});
