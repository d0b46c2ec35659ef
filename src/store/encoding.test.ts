import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryRuleSet, arbitraryTwins } from '../../test/support/arbitrary-rules.ts';
import { rule } from '../../test/support/rule-sets.ts';
import type { Output, Rule } from '../model/rules.ts';
import { DecodeError, encodeOutput, RuleDecoder, RuleEncoder } from './encoding.ts';

const EXPORTER = '192.0.2.9';
const REST = '{"exporter":{"endpoint":{"host":"192.0.2.9"}}}';

/** Reads outputs as those of a rule. */
function decodeOutputs(text: unknown): readonly Output[] {
  return new RuleDecoder().rule(EXPORTER, REST, text).outputs;
}

/** An output with one collector. */
const collecting = (collector: string) => `[{"collectors":[${collector}]}]`;

test('any rules and default outputs come back as they were written', () => {
  fc.assert(
    fc.property(fc.oneof(arbitraryRuleSet(), arbitraryTwins), ({ rules, defaultOutputs }) => {
      const encoder = new RuleEncoder();
      const rows = rules.map((written) => encoder.rule(written));
      const decoder = new RuleDecoder();
      assert.deepEqual(
        rows.map((row) => decoder.rule(...row)),
        rules,
      );
      const outputs = defaultOutputs.map((output) => decoder.output(encodeOutput(output)));
      assert.deepEqual(outputs, defaultOutputs);
    }),
  );
});

test('equal outputs of different rules become one object', () => {
  const rules = ['192.0.2.1', '192.0.2.2'].map((exporter) => rule(exporter, ['198.51.100.1']));
  const decoder = new RuleDecoder();
  const [one, other] = rules.map((each) => decoder.rule(...new RuleEncoder().rule(each)));
  assert.equal(one?.outputs, other?.outputs);
});

test('the stored text is plain JSON that an operator can read', () => {
  const written: Rule = rule('[2001:db8::9]:4000', ['192.0.2.1:1001', '2001:db8::1']);
  assert.deepEqual(new RuleEncoder().rule(written), [
    '[2001:db8::9]:4000',
    '{"exporter":{"endpoint":{"host":"2001:db8::9","port":4000}}}',
    '[{"collectors":[{"endpoint":{"host":"192.0.2.1","port":1001}},{"endpoint":{"host":"2001:db8::1"}}]}]',
  ]);
});

test('text that was not written by the encoder is refused', () => {
  const bad: unknown[] = [
    null,
    17,
    '',
    'null',
    '[[["192.0.2.1",1001]]]',
    '[{"collectors":[{"endpoint":{"host":"192.0.2.1"}}]}',
    '{}',
    '"x"',
    '[1]',
    '[null]',
    '[{}]',
    '[{"collectors":[]}]',
    '[{"collectors":{}}]',
    '[{"collectors":"x"}]',
    collecting('null'),
    collecting('"192.0.2.1"'),
    collecting('{}'),
    collecting('{"endpoint":"192.0.2.1"}'),
    collecting('{"endpoint":{}}'),
    collecting('{"endpoint":{"host":"192.0.2.1","port":"1001"}}'),
    collecting('{"endpoint":{"host":"192.0.2.1","port":-1}}'),
    collecting('{"endpoint":{"host":"192.0.2.1","port":0}}'),
    collecting('{"endpoint":{"host":"192.0.2.1","port":65536}}'),
    collecting('{"endpoint":{"host":"192.0.2.1","port":1.5}}'),
    collecting('{"endpoint":{"port":1,"host":"192.0.2.1"}}'),
    collecting('{"endpoint":{"host":"192.0.2.1","unknown":1}}'),
    collecting('{"endpoint":{"host":"192.0.2.1"},"unknown":1}'),
    collecting('{"endpoint":{"host":"192.0.2.1","octets":[192,0,2,1]}}'),
    collecting('{"endpoint":{"octets":[192,0,2,1]}}'),
    collecting('{"endpoint":{"host":"192.0.2.256"}}'),
    collecting('{"endpoint":{"host":"::ffff:192.0.2.1"}}'),
    collecting('{"endpoint":{"host":"2001:DB8::1"}}'),
    collecting('{"endpoint":{"host":"fe80::1%eth0"}}'),
    collecting('{"endpoint":{"host":"localhost"}}'),
    collecting('{"endpoint":{"host":3221225985}}'),
    ` ${collecting('{"endpoint":{"host":"192.0.2.1"}}')}`,
  ];
  assert.equal(decodeOutputs(collecting('{"endpoint":{"host":"192.0.2.1"}}')).length, 1);
  for (const text of bad) assert.throws(() => decodeOutputs(text), DecodeError, String(text));
});

test('a rule that is not that of its exporter, or says more than is known, is refused', () => {
  const bad: [unknown, unknown][] = [
    ['192.0.2.8', REST],
    ['192.0.2.9:1', REST],
    [null, REST],
    [EXPORTER, '{}'],
    [EXPORTER, 'null'],
    [EXPORTER, '{"exporter":{"endpoint":{"host":"192.0.2.9"}},"unknown":1}'],
    [EXPORTER, '{"exporter":{"endpoint":{"host":"192.0.2.9"},"unknown":1}}'],
  ];
  for (const [exporter, rest] of bad) {
    assert.throws(() => new RuleDecoder().rule(exporter, rest, '[]'), DecodeError, String(rest));
  }
});

test('fields that are not known are told as those of a newer version', () => {
  const text = collecting('{"endpoint":{"host":"192.0.2.1"},"unknown":1}');
  assert.throws(() => decodeOutputs(text), /it is of a newer version of floxy, or damaged$/);
});

test('a wrong port is refused also when the same collector was read before', () => {
  const text =
    '[{"collectors":[{"endpoint":{"host":"192.0.2.1","port":1}},{"endpoint":{"host":"192.0.2.1","port":"1"}}]}]';
  assert.throws(() => decodeOutputs(text), DecodeError);
});

test('a message quotes damaged text escaped and cut', () => {
  const text = `\u001b[31m${'x'.repeat(10_000)}`;
  assert.throws(
    () => decodeOutputs(text),
    (error: Error) => error.message.length < 150 && !error.message.includes('\u001b'),
  );
});
