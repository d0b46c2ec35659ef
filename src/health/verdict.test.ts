import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import type { Outcome } from './checks/check.ts';
import { Verdict } from './verdict.ts';

type Kind = Outcome['kind'];

function states(kinds: readonly Kind[], rise = 2, fall = 3, wasDown = false): string[] {
  const verdict = new Verdict({ rise, fall }, wasDown);
  return kinds.map((kind) => {
    verdict.take({ kind, cause: '' } as Outcome);
    return verdict.state;
  });
}

test('H2: so many failed checks in a row take a collector down, and so many good ones end it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      (outcomes, rise, fall) => {
        const seen = states(
          outcomes.map((isGood) => (isGood ? 'good' : 'failed')),
          rise,
          fall,
        );
        let isDown = false;
        seen.forEach((state, i) => {
          const last = (count: number) => outcomes.slice(Math.max(0, i + 1 - count), i + 1);
          const allOf = (count: number, what: boolean) =>
            last(count).length === count && last(count).every((one) => one === what);
          if (isDown ? allOf(rise, true) : allOf(fall, false)) isDown = !isDown;
          assert.equal(state === 'down', isDown, `check ${i} of ${outcomes}`);
        });
      },
    ),
  );
});

describe('Verdict', () => {
  it('knows nothing before the first check, and then what it says', () => {
    assert.equal(new Verdict({ rise: 2, fall: 3 }, false).state, 'unknown');
    assert.deepEqual(states(['good']), ['up']);
    assert.deepEqual(states(['failed', 'good']), ['unknown', 'up']);
  });

  it('goes on with what was known', () => {
    assert.deepEqual(states(['good', 'good'], 2, 3, true), ['down', 'up']);
  });

  it('leaves up what cannot be checked, and does not leave down what cannot be checked any more', () => {
    assert.deepEqual(states(['good', 'impossible', 'impossible', 'impossible']), [
      'up',
      'up',
      'up',
      'unknown',
    ]);
    const down: Kind[] = ['failed', 'failed', 'failed'];
    assert.deepEqual(states([...down, 'impossible', 'impossible', 'impossible']).slice(2), [
      'down',
      'down',
      'down',
      'unknown',
    ]);
  });
});
