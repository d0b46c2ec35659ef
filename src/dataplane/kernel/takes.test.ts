import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outputs } from '../../../test/support/rule-sets.ts';
import { whyUp } from './takes.ts';

const anywhere = () => undefined;

test('R30: what the kernel does not handle, by outputs and paths', () => {
  const [one] = outputs(['198.51.100.1:9995']);
  const [two] = outputs(['198.51.100.1:9995', '198.51.100.2:9995']);
  assert.ok(one?.collectors !== undefined && two?.collectors !== undefined);
  const [collector] = one.collectors;
  assert.ok(collector !== undefined);
  assert.equal(whyUp([], anywhere), undefined);
  assert.equal(whyUp([one], anywhere), undefined);
  assert.equal(whyUp([{ ...two, templates: 'ONE' }], anywhere), undefined);
  for (const [output, why] of [
    [two, /templates/],
    [{ pipeline: 'archive' }, /pipeline/],
    [{ ...one, collectors: [{ ...collector, source: 'PROXY' as const }] }, /address of this host/],
  ] as const)
    assert.match(whyUp([one, output], anywhere) ?? '', why);
  assert.match(
    whyUp(
      Array.from({ length: 33 }, () => one),
      anywhere,
    ) ?? '',
    /more than 32/,
  );
  assert.equal(
    whyUp([one], () => 'the link to it is down'),
    'no path to 198.51.100.1: the link to it is down',
  );
});
