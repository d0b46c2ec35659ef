import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { NewEvent } from '../model/events.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { LOG_FORM } from '../telemetry/log-form.ts';
import { StateLog } from './state-log.ts';

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly error?: string;
  readonly cause?: string;
  readonly health?: string;
  readonly advice?: string;
}

/** A node whose state the test says, and what its log says of it. */
class Node {
  proxy: SubsystemStatus = { state: 'OK' };
  database: SubsystemStatus = { state: 'OK' };
  isDraining = false;
  readonly events: NewEvent[] = [];
  readonly #lines: Line[] = [];
  readonly #states: StateLog;

  constructor() {
    const log = pino(LOG_FORM, { write: (text) => void this.#lines.push(JSON.parse(text)) });
    this.#states = new StateLog(() => this.status(), log, {
      emit: (event) => this.events.push(event),
    });
    this.#states.look();
  }

  status() {
    return { proxy: this.proxy, database: this.database, isDraining: this.isDraining };
  }

  /** Level, message, cause and what it means for the health of the lines since the last look. */
  look(): (readonly (string | undefined)[])[] {
    this.#lines.length = 0;
    this.#states.look();
    for (const { level, advice, msg } of this.#lines) if (level === 'warn') assert.ok(advice, msg);
    return this.#lines.map(({ level, msg, error, cause, health }) => [
      level,
      msg,
      error ?? cause,
      health,
    ]);
  }
}

test('each change of a state is logged once, with its cause', () => {
  const node = new Node();
  assert.deepEqual(node.look(), []);
  const error = 'forwarder 0 was killed, restarting';
  node.proxy = { state: 'Configuring', error };
  assert.deepEqual(node.look(), [['warn', 'the proxy is Configuring', error, 'NOT_SERVING']]);
  node.proxy = { state: 'Configuring', error: 'forwarder 0 is starting' };
  assert.deepEqual(node.look(), []);
  node.proxy = { state: 'OK' };
  node.database = { state: 'Offline', error: 'the disk is full' };
  assert.deepEqual(node.look(), [
    ['info', 'the proxy is OK again', undefined, 'SERVING'],
    ['warn', 'the database is Offline', 'the disk is full', undefined],
  ]);
  node.database = { state: 'OK' };
  assert.deepEqual(node.look(), [['info', 'the database is OK again', undefined, undefined]]);
});

test('S40: each change of a state is an event', () => {
  const node = new Node();
  node.database = { state: 'Offline', error: 'the disk is full' };
  node.look();
  node.look();
  node.database = { state: 'OK' };
  node.isDraining = true;
  node.look();
  const told = node.events.map(({ kind, subject, cause }) => [kind, subject, cause]);
  assert.deepEqual(told, [
    ['StateChanged', 'database', 'OK → Offline: the disk is full'],
    ['StateChanged', 'database', 'Offline → OK'],
    ['StateChanged', 'node', 'it is being drained'],
  ]);
});

test('draining changes the health of the node, and no state', () => {
  const node = new Node();
  node.isDraining = true;
  assert.deepEqual(node.look(), [
    [
      'warn',
      'announcers and load balancers send flow elsewhere',
      'the node is being drained',
      'NOT_SERVING',
    ],
  ]);
  node.isDraining = false;
  assert.deepEqual(node.look(), [['info', 'this node does its share again', undefined, 'SERVING']]);
});
