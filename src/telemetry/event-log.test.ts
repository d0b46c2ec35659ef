import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import pino from 'pino';
import type { Event, NewEvent } from '../model/events.ts';
import { EventLog } from './event-log.ts';

const quiet = pino({ level: 'silent' });

function down(subject: string): NewEvent {
  return { kind: 'CollectorDown', subject };
}

function emit(events: EventLog, subjects: readonly string[]): void {
  for (const subject of subjects) events.emit(down(subject));
}

function subjects({ events }: { readonly events: readonly Event[] }): string[] {
  return events.map(({ subject }) => subject);
}

describe('event log', () => {
  test('S40: who was away gets what came after the event that it knows', () => {
    const events = new EventLog({ log: quiet });
    emit(events, ['a', 'b', 'c']);
    const all = events.after(undefined, 100);
    assert.deepEqual(subjects(all), ['a', 'b', 'c']);
    const [, b] = all.events;
    assert.deepEqual(subjects(events.after(b?.number, 100)), ['c']);
    assert.deepEqual(subjects(events.after(undefined, 2)), ['a', 'b']);
  });

  test('S40: who was away for too long is told how many it missed', () => {
    const events = new EventLog({ log: quiet, kept: 3 });
    emit(events, ['a']);
    const [a] = events.after(undefined, 1).events;
    emit(events, ['b', 'c', 'd', 'e', 'f']);
    const late = events.after(a?.number, 100);
    assert.deepEqual(subjects(late), ['d', 'e', 'f']);
    assert.equal(late.missed, 2, 'b and c');
  });

  test('S40: numbers grow over restarts, and who knows one of before gets all', () => {
    const before = new EventLog({ log: quiet, now: () => 1000 });
    emit(before, ['a', 'b']);
    const last = before.after(undefined, 100).events.at(-1);
    const after = new EventLog({ log: quiet, now: () => 9000 });
    emit(after, ['c']);
    const selection = after.after(last?.number, 100);
    assert.deepEqual(subjects(selection), ['c']);
    assert.equal(selection.missed, 0);
    assert.ok((selection.events[0]?.number ?? 0) > (last?.number ?? 0));
  });

  test('a clock that was set back costs no events', () => {
    const events = new EventLog({ log: quiet, now: () => 1000 });
    emit(events, ['a']);
    assert.deepEqual(subjects(events.after(50_000, 100)), ['a']);
  });

  test('listeners hear of each until they end it', () => {
    const events = new EventLog({ log: quiet });
    const heard: string[] = [];
    const end = events.subscribe(({ subject }) => heard.push(subject));
    emit(events, ['a', 'b']);
    end();
    emit(events, ['c']);
    assert.deepEqual(heard, ['a', 'b']);
  });

  test('S40: each event is one line in the log, bad news as a warning, and counted', () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const events = new EventLog({ log });
    events.emit({
      kind: 'CollectorDown',
      subject: '192.0.2.1:9996',
      cause: 'no answer',
      rule: undefined,
    });
    events.emit({ kind: 'CollectorUp', subject: '192.0.2.1:9996', exporters: ['a', 'b'] });
    const [first, second] = lines;
    assert.equal(first?.['msg'], 'a collector is down');
    assert.equal(first?.['level'], 40);
    assert.equal(first?.['event'], 'CollectorDown');
    assert.equal(first?.['subject'], '192.0.2.1:9996');
    assert.equal(first?.['cause'], 'no answer');
    assert.equal('rule' in (first ?? {}), false);
    assert.equal(second?.['level'], 30);
    assert.equal(second?.['exporters'], 'a, b');
    assert.equal(events.counts.get('CollectorDown'), 1);
    assert.equal(events.counts.get('ExporterNew'), 0);
  });
});
