import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NetflowDecoding } from '../../../test/support/netflow-decoding.ts';
import {
  ipfixMessage,
  ipfixOptionsTemplate,
  ipfixTemplate,
  netflow5Message,
  netflow9Message,
  netflow9OptionsTemplate,
  netflow9Template,
  type Spec,
  set,
  VARIABLE,
} from '../../../test/support/netflow-writer.ts';
import { packetsOf } from '../../../test/support/packets.ts';
import { fieldEnd, fieldStart } from './field-values.ts';
import type { RecordConsumer } from './record-consumer.ts';
import type { RecordSet, Template } from './template.ts';

/** Sees that records are within what was received, whole, and behind each other. */
class Judge implements RecordConsumer {
  records_ = 0;
  octets = 0;
  #isOpen = false;

  begin(): void {
    assert.ok(!this.#isOpen);
    this.#isOpen = true;
  }

  records(template: Template, records: RecordSet): void {
    assert.ok(this.#isOpen);
    assert.ok(records.count > 0);
    let last = 0;
    for (let i = 0; i < records.count; i++) {
      for (const field of template.fields) {
        const start = fieldStart(records, i, field);
        const end = fieldEnd(records, i, field);
        assert.ok(start >= last && end >= start && end <= records.bytes.length);
        this.octets += end - start;
        last = end;
      }
    }
    this.records_ += records.count;
  }

  options(template: Template, records: RecordSet): void {
    this.records(template, records);
  }

  end(): void {
    assert.ok(this.#isOpen);
    this.#isOpen = false;
  }

  endBatch(): void {}
}

const field = fc.tuple(
  fc.integer({ min: 1, max: 400 }),
  fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(VARIABLE)),
  fc.constantFrom(0, 0, 9),
) satisfies fc.Arbitrary<Spec>;
const fields = fc.array(field, { maxLength: 12 });
const id = fc.integer({ min: 255, max: 258 });
const octets = fc.array(fc.nat(255), { maxLength: 120 });

const ipfixSet = fc.oneof(
  fc.tuple(id, fields).map(([one, specs]) => set(2, ipfixTemplate(one, specs))),
  fc
    .tuple(id, fields, fc.nat(3))
    .map(([one, specs, scopes]) => set(3, ipfixOptionsTemplate(one, scopes, specs))),
  fc.tuple(id, octets).map(([one, values]) => set(one, values)),
);
const netflow9Set = fc.oneof(
  fc.tuple(id, fields).map(([one, specs]) => set(0, netflow9Template(one, specs))),
  fc
    .tuple(id, fields, fields)
    .map(([one, scopes, specs]) => set(1, netflow9OptionsTemplate(one, scopes, specs))),
  fc.tuple(id, octets).map(([one, values]) => set(one, values)),
);
const message = fc.oneof(
  fc.array(ipfixSet, { maxLength: 8 }).map((sets) => ipfixMessage(sets)),
  fc.array(netflow9Set, { maxLength: 8 }).map((sets) => netflow9Message(sets)),
  fc
    .array(fc.array(fc.nat(255), { minLength: 48, maxLength: 48 }), { maxLength: 3 })
    .map((records) => netflow5Message(records)),
);
/** Octets that are changed, and where the message is cut. */
const damage = fc.record({
  changes: fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { maxLength: 4 }),
  cut: fc.option(fc.nat(500)),
});

function damaged(
  bytes: Uint8Array,
  changes: readonly (readonly [number, number])[],
  cut: number | null,
): Uint8Array {
  const copy = Uint8Array.from(bytes);
  // The version stays: what is of no protocol is not decoded.
  for (const [at, value] of changes)
    if (copy.length > 2) copy[2 + (at % (copy.length - 2))] = value;
  return cut === null ? copy : copy.subarray(0, Math.max(2, copy.length - (cut % copy.length)));
}

test('whatever comes, there is no record that is not there, and everything has an end', () => {
  const traffic = fc.array(fc.tuple(message, damage), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(traffic, (messages) => {
      const judge = new Judge();
      const decoding = new NetflowDecoding({ consumers: [judge], batchRows: 7 });
      const bytes = messages.map(([one, { changes, cut }]) => damaged(one, changes, cut));
      decoding.decodePackets(packetsOf(bytes));
      decoding.stop();
      const { datagrams = 0, records = 0, optionRecords = 0, ...counts } = decoding.counts;
      assert.equal(datagrams, messages.length);
      assert.equal(records + optionRecords, judge.records_);
      assert.equal(decoding.rows.length, records);
      assert.equal(
        counts['missingTemplate'] ?? 0,
        (counts['pendingDecoded'] ?? 0) + (counts['pendingDropped'] ?? 0),
      );
      assert.equal(counts['pendingBytes'] ?? 0, 0);
      assert.equal(counts['templates'] ?? 0, 0);
    }),
    { numRuns: 1000 },
  );
});
