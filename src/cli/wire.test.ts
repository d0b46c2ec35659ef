import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { arbitraryRuleSet } from '../../test/support/arbitrary-rules.ts';
import { ruleMessage } from '../rules/message.ts';
import { outputMessage } from '../rules/output-message.ts';
import { findMethod } from './messages.ts';
import { printText } from './text-format.ts';
import { WirePrinter } from './wire.ts';
import { WireText } from './wire-text.ts';

const { output: RULES } = findMethod('floxy', 'collector.proto.View', 'ListRules');
const { output: TRAFFIC } = findMethod('floxy', 'collector.proto.View', 'WatchTraffic');
const { output: STATS } = findMethod('floxy', 'collector.proto.View', 'ListStats');

function checkSame(schema: typeof RULES, json: JsonValue): void {
  const message = fromJson(schema, json);
  const bytes = toBinary(schema, message);
  const wire = new WirePrinter(schema);
  assert.equal(String(wire.text(bytes)), printText(schema, message));
  assert.deepEqual(wire.json(bytes), toJson(schema, message));
}

/** The same, and nothing of it is left to the library, which takes many times as long. */
function checkFast(schema: typeof RULES, json: JsonValue): void {
  checkSame(schema, json);
  const bytes = toBinary(schema, fromJson(schema, json));
  assert.doesNotThrow(() => new WireText(new Set()).print(schema, bytes));
}

test('rules are printed as the library prints them', () => {
  fc.assert(
    fc.property(arbitraryRuleSet(), ({ rules, defaultOutputs }) => {
      const message = {
        rules: rules.map((rule) => ruleMessage(rule, 'text')),
        defaultOutputs: defaultOutputs.map((output) => outputMessage(output, 'text')),
      };
      checkFast(RULES, JSON.parse(JSON.stringify(message)));
    }),
  );
});

test('statistics are printed as the library prints them, up to 64 bits', () => {
  const counts = ['0', '1', '127', '128', '562949953421311', '562949953421312', '9007199254740993'];
  for (const packets of [...counts, '18446744073709551615']) {
    const exporter = { endpoint: { host: '::1', port: 65_535 }, input: { packets, bytes: '7' } };
    checkFast(STATS, { rules: [{ exporter }, {}], mismatched: { packets } });
  }
});

test('rates are printed as the library prints them', () => {
  for (const packetsPerSecond of [0, 0.001, 2, 41_234.567, 1e21]) {
    const rate = { packetsPerSecond, bytesPerSecond: 7 };
    const exporter = { endpoint: { host: '::1' }, state: 'Silent', rate, lostPerSecond: 0.5 };
    checkSame(TRAFFIC, { exporters: [exporter, {}], total: { seconds: 1.002 }, last: true });
  }
});

test('lists of numbers and names are printed as the library prints them', () => {
  const filter = {
    protocols: ['NETFLOW_V9', 'OTHER', 'IPFIX'],
    observationDomains: [0, 1, 300, 4_294_967_295],
    listeningPorts: [2055],
  };
  checkFast(RULES, { rules: [{ outputs: [{ filter }, { filter: { listeningPorts: [1, 2] } }] }] });
  checkFast(RULES, { defaultOutputs: [{ filter: { agents: [{ host: '::1' }], ...filter } }] });
});

test('text of all alphabets is printed as the library prints it', () => {
  const texts = [
    'Köln, Rack 7',
    '東京 🙂',
    '\u0080',
    '\u009f',
    '\u00a0',
    'a\u0085b',
    '\u007f',
    '\t',
    "it's",
  ];
  for (const description of texts) checkSame(RULES, { rules: [{ description }, {}] });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (description) => {
      checkSame(RULES, { rules: [{ description }], defaultOutputs: [{ description }] });
    }),
  );
});

test('a message that is cut off is refused as the library refuses it', () => {
  const whole = toBinary(RULES, fromJson(RULES, { rules: [{ description: 'it' }] }));
  const printer = new WirePrinter(RULES);
  for (let length = 1; length < whole.length; length++) {
    assert.throws(() => printer.text(whole.subarray(0, length)), RangeError, `${length}`);
    assert.throws(() => printer.json(whole.subarray(0, length)), RangeError, `${length}`);
  }
});

test('what is printed first outlives what is printed next', () => {
  const bytesOf = (description: string) =>
    toBinary(RULES, fromJson(RULES, { rules: [{ description }] }));
  const printer = new WirePrinter(RULES);
  const first = printer.text(bytesOf('one'));
  printer.text(bytesOf('two'.repeat(100_000)));
  assert.match(String(first), /^rules: \{description: "one"\}\n$/);
});

test('what is rare is left to the library', () => {
  const odd = ['"quoted"', 'new\nline', 'ü\u001b', '\\'].map((host) => ({
    exporter: { endpoint: { host } },
  }));
  checkSame(RULES, { rules: odd });
  checkSame(RULES, { rules: [{ exporter: { endpoint: { octets: 'wAACAQ==' } } }] });
  const unknown = Buffer.concat([
    toBinary(RULES, create(RULES)),
    Buffer.from([0xfa, 0x01, 0x02, 0x68, 0x69]),
  ]);
  assert.deepEqual(new WirePrinter(RULES).json(unknown), {});
});

test('fields that are not asked for are left out', () => {
  const json = { rules: [{ exporter: { endpoint: { host: 'ü' } } }], revision: '7' };
  const bytes = toBinary(RULES, fromJson(RULES, json));
  const wire = new WirePrinter(RULES, ['revision']);
  assert.deepEqual(wire.json(bytes), { rules: json.rules });
  assert.doesNotMatch(String(wire.text(bytes)), /revision/);
  assert.equal(String(wire.text(toBinary(RULES, fromJson(RULES, { revision: '7' })))), '');
});
