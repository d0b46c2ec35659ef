import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childSwitches } from './child-switches.ts';

test('a process has the switches of the one that starts it, and no debugger', () => {
  assert.deepEqual(childSwitches(['--max-semi-space-size=8']), [
    '--disable-sigusr1',
    '--max-semi-space-size=8',
  ]);
  assert.deepEqual(childSwitches(['--disable-sigusr1']), ['--disable-sigusr1']);
});
