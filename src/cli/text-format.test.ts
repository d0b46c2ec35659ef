import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equals, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { fromText } from '@bufbuild/protobuf/txtpb';
import fc from 'fast-check';
import { findMethod } from './messages.ts';
import { printText } from './text-format.ts';

const RULES = findMethod('floxy', 'collector.proto.Settings', 'ReplaceProxyRules').input;
const STATUS = findMethod('floxy', 'collector.proto.Settings', 'GetSystemStatus').output;

/** Any text: quotes, braces, line feeds and letters of all scripts are what breaks printers. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('{', '}', '"', "'", '\\', '\n', '\r', '#', ':', ' ', '\0') }),
);

const endpoint = fc.oneof(
  fc.record({ host: anyText, port: fc.nat(65_535) }, { requiredKeys: [] }),
  fc.record({
    octets: fc.uint8Array({ maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  }),
);
const member = fc.record({ endpoint }, { requiredKeys: [] });
const output = fc.record({ collectors: fc.array(member, { maxLength: 3 }) });
const outputs = fc.array(output, { maxLength: 3 });
const rules = fc.array(fc.record({ exporter: member, outputs }), { maxLength: 3 });

test('the printed text of any rules parses back to the same rules', () => {
  fc.assert(
    fc.property(fc.record({ rules, defaultOutputs: outputs }), (value) => {
      const message = fromJson(RULES, value as JsonValue);
      const parsed = fromText(RULES, printText(RULES, message));
      assert.ok(equals(RULES, parsed, message));
    }),
  );
});

test('the printed text of any status parses back to the same status', () => {
  const subsystem = fc.record({
    state: fc.constantFrom('OK', 'Configuring', 'NotConfigured', 'Offline'),
    error: anyText,
  });
  const counters = fc.bigInt(0n, 2n ** 64n - 1n).map((packets) => ({ packets: String(packets) }));
  const errors = fc.array(fc.record({ code: anyText, count: fc.nat() }), { maxLength: 2 });
  const forwarder = fc.record({ index: fc.nat(255), received: counters, sendErrors: errors });
  const status = fc.record({ proxy: subsystem, forwarders: fc.array(forwarder, { maxLength: 2 }) });
  fc.assert(
    fc.property(status, (value) => {
      const message = fromJson(STATUS, value as JsonValue);
      assert.ok(equals(STATUS, fromText(STATUS, printText(STATUS, message)), message));
    }),
  );
});

test('messages of plain values stand on one line, others are indented by 4', () => {
  const message = fromJson(RULES, {
    rules: [{ exporter: { endpoint: { host: 'a {', port: 1 } }, outputs: [{}] }],
  });
  assert.equal(
    printText(RULES, message),
    `rules: {
    exporter: {
        endpoint: {host: "a {" port: 1}
    }
    outputs: {}
}
`,
  );
});

test('an empty message prints as nothing', () => {
  assert.equal(printText(RULES, fromJson(RULES, {})), '');
});
