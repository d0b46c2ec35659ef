import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  arbitraryRuleSet,
  arbitraryTwins,
  fieldChanges,
} from '../../test/support/arbitrary-rules.ts';
import { outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { EMPTY_RULE_SET, type RuleSet } from '../model/rules.ts';
import { loadServices } from '../protocol/definitions.ts';
import type { RulesPartMessage, RulesRevisionMessage } from '../protocol/messages.ts';
import { fromStep } from '../protocol/revision-codec.ts';
import { changeBetween } from '../rules/difference.ts';
import { ruleSetDigest } from '../rules/digest.ts';
import { RulesAssembly } from './leader-rules.ts';

const NONE = { digest: ruleSetDigest(EMPTY_RULE_SET), ruleSet: EMPTY_RULE_SET };

function whole(revision: number, set: RuleSet): RulesRevisionMessage[] {
  const change = { kind: 'replace', ruleSet: set } as const;
  const step = { revision, digest: ruleSetDigest(set), change };
  return [...fromStep(step, 'binary')];
}

function difference(revision: number, from: RuleSet, to: RuleSet): RulesRevisionMessage[] {
  const change = changeBetween(from, to);
  assert.ok(change.kind === 'edit');
  const step = {
    revision,
    digest: ruleSetDigest(to),
    base: ruleSetDigest(from),
    change,
  };
  return [...fromStep(step, 'text')];
}

const part = (digest: string, fields: RulesPartMessage): RulesRevisionMessage => ({
  revision: '1',
  digest,
  part: fields,
});

const { settings } = loadServices();

/** As the follower decodes what the leader encodes. */
function overTheWire(message: RulesRevisionMessage): RulesRevisionMessage {
  const method = settings['WatchProxyRules'];
  assert.ok(method);
  return method.responseDeserialize(method.responseSerialize(message));
}

/** More rules than go into one part. */
const many = ruleSet(
  Array.from({ length: 5000 }, (_, i) => rule(`10.1.${i >> 8}.${i & 255}`, ['198.51.100.1'])),
  outputs(['2001:db8::1', '198.51.100.9:9995']),
);

describe('RulesAssembly', () => {
  it('puts a whole set together, and differences to it', () => {
    const assembly = new RulesAssembly(NONE);
    const messages = whole(7, many);
    assert.ok(messages.length > 3);
    const found = messages.map((message) => assembly.add(message));
    assert.ok(found.slice(0, -1).every((rules) => rules === undefined));
    assert.deepEqual(found.at(-1), { revision: 7, digest: ruleSetDigest(many), ruleSet: many });
    const next = ruleSet([...many.rules.slice(1), rule('192.0.2.1')]);
    const step = difference(8, many, next);
    assert.ok(step.length <= 3, 'a difference is small');
    assert.deepEqual(step.map((message) => assembly.add(message)).at(-1)?.ruleSet, next);
  });

  it('any rules come over the stream as they were sent, and so does a change of any one field', () => {
    const assertSent = ([before, after]: readonly [RuleSet, RuleSet]) => {
      const assembly = new RulesAssembly(NONE);
      const [first, second] = [whole(1, before), difference(2, before, after)].map((messages) =>
        messages.map(overTheWire).map((message) => assembly.add(message)?.ruleSet),
      );
      assert.deepEqual(first?.at(-1), before);
      assert.deepEqual(second?.at(-1), after);
    };
    const noRules = fc.constant(EMPTY_RULE_SET);
    fc.assert(
      fc.property(fc.tuple(fc.oneof(arbitraryRuleSet(), arbitraryTwins), noRules), assertSent),
    );
    for (const { pairs } of fieldChanges)
      fc.assert(fc.property(pairs, assertSent), { numRuns: 50 });
  });

  it('knows from a heartbeat that the rules are those of the request', () => {
    const assembly = new RulesAssembly(NONE);
    assert.deepEqual(assembly.add({ revision: '3', digest: NONE.digest }), {
      ...NONE,
      revision: 3,
    });
  });

  it('refuses what does not fit together', () => {
    const one = ruleSet([rule('192.0.2.1')]);
    const two = ruleSet([rule('192.0.2.2')]);
    const [first] = whole(1, many);
    assert.ok(first);
    const cases: [RegExp, RulesRevisionMessage[]][] = [
      [/neither a revision nor an error/, [{}]],
      [/neither a revision nor an error/, [{ revision: 'x', digest: 'd' }]],
      [/never sent/, [{ revision: '1', digest: 'd' }]],
      [/never sent/, [first, { revision: '1', digest: NONE.digest }]],
      [/mixed/, [first, part('other', { last: true })]],
      [/to rules that were never sent/, difference(2, one, two)],
      [/does not lead to/, [part('wrong', { base: NONE.digest, last: true })]],
      [
        /no rule for exporter 192\.0\.2\.9/,
        [
          part('d', {
            base: NONE.digest,
            deleted: [{ endpoint: { host: '192.0.2.9' } }],
            last: true,
          }),
        ],
      ],
      [
        /not an IPv4 or IPv6 address/,
        [part('d', { rules: [{ exporter: { endpoint: { host: 'x' } }, outputs: [] }] })],
      ],
    ];
    for (const [message, messages] of cases) {
      const assembly = new RulesAssembly(NONE);
      assert.throws(() => messages.map((m) => assembly.add(m)), {
        name: 'ProtocolError',
        message,
      });
    }
  });

  it('believes a leader that counts digests otherwise, as long as it sends whole sets', () => {
    const assembly = new RulesAssembly(NONE);
    const [, ...rest] = whole(1, ruleSet([rule('192.0.2.1')]));
    assert.equal(rest.length, 1);
    const [only] = rest;
    assert.equal(assembly.add({ ...only, digest: 'other' })?.digest, 'other');
  });
});
