import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status as Status } from '@grpc/grpc-js';
import { CallCounts } from './call-counts.ts';

test('S30: a call ends once, and methods that are not served are not counted', () => {
  const counts = new CallCounts(['/a.B/C']);
  const end = counts.begin('/a.B/C');
  end(Status.NOT_FOUND);
  end(Status.CANCELLED);
  counts.begin('/a.B/Invented')(Status.UNIMPLEMENTED);
  const told = counts.list().map(({ method, code, calls }) => `${method} ${code} ${calls}`);
  assert.deepEqual(told, ['a.B/C OK 0', 'a.B/C NOT_FOUND 1']);
});
