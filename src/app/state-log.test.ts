import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { SubsystemStatus } from '../model/status.ts';
import { StateLog } from './state-log.ts';

test('each change of a state is logged once, with its cause', () => {
  const lines: { level: number; msg: string; error?: string }[] = [];
  const log = pino({ base: null }, { write: (text) => void lines.push(JSON.parse(text)) });
  let proxy: SubsystemStatus = { state: 'OK' };
  let database: SubsystemStatus = { state: 'OK' };
  const states = new StateLog(() => ({ proxy, database }), log);
  const look = () => {
    lines.length = 0;
    states.look();
    return lines.map(({ level, msg, error }) => [level, msg, error]);
  };
  assert.deepEqual(look(), []);
  proxy = { state: 'Configuring', error: 'forwarder 0 was killed, restarting' };
  assert.deepEqual(look(), [
    [40, 'the proxy is Configuring', 'forwarder 0 was killed, restarting'],
  ]);
  proxy = { state: 'Configuring', error: 'forwarder 0 is starting' };
  assert.deepEqual(look(), []);
  proxy = { state: 'OK' };
  database = { state: 'Offline', error: 'the disk is full' };
  assert.deepEqual(look(), [
    [30, 'the proxy is OK again', undefined],
    [40, 'the database is Offline', 'the disk is full'],
  ]);
  database = { state: 'OK' };
  assert.deepEqual(look(), [[30, 'the database is OK again', undefined]]);
});
