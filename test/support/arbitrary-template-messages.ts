/** Messages of NetFlow v9 and IPFIX with templates, options and data in any mixture, for property tests of the proxy. */
import fc from 'fast-check';
import {
  ipfixMessage,
  netflow9Message,
  number,
  type Spec,
  set,
  u16,
  u32,
} from './netflow-writer.ts';

/** Few: sets commonly have the id of a template that was announced. */
const ids = fc.integer({ min: 256, max: 262 });
const lengths = fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constantFrom(0, 65_535));

function specs(isIpfix: boolean): fc.Arbitrary<Spec[]> {
  const pen = isIpfix
    ? fc.option(fc.constantFrom(9, 2011), { nil: undefined })
    : fc.constant(undefined);
  const spec = fc.tuple(fc.integer({ min: 1, max: 400 }), lengths, pen);
  return fc.array(
    spec.map(([id, length, of]): Spec => (of === undefined ? [id, length] : [id, length, of])),
    { maxLength: 6 },
  );
}

function fieldsOf(fields: readonly Spec[]): number[] {
  return fields.flatMap(([id, length, pen]) =>
    pen === undefined
      ? [...u16(id), ...u16(length)]
      : [...u16(id | 0x8000), ...u16(length), ...u32(pen)],
  );
}

function templateRecord(id: number, fields: readonly Spec[]): number[] {
  return [...u16(id), ...u16(fields.length), ...fieldsOf(fields)];
}

function optionsRecord(isIpfix: boolean, id: number, fields: readonly Spec[]): number[] {
  const scopes = Math.min(1, fields.length);
  if (isIpfix) {
    const start = [...u16(id), ...u16(fields.length)];
    return fields.length === 0 ? start : [...start, ...u16(scopes), ...fieldsOf(fields)];
  }
  const start = [...u16(id), ...u16(scopes * 4), ...u16((fields.length - scopes) * 4)];
  return [...start, ...fieldsOf(fields)];
}

/** Sets of all kinds; padding is as exporters have it. */
function anySet(isIpfix: boolean): fc.Arbitrary<number[]> {
  const padding = fc.integer({ min: 0, max: 3 });
  const records = (one: (id: number, fields: readonly Spec[]) => number[]) =>
    fc
      .array(fc.tuple(ids, specs(isIpfix)), { minLength: 1, maxLength: 3 })
      .map((all) => all.flatMap(([id, fields]) => one(id, fields)));
  const templates = fc
    .tuple(records(templateRecord), padding)
    .map(([content, pad]) => set(isIpfix ? 2 : 0, content, pad));
  const options = fc
    .tuple(
      records((id, fields) => optionsRecord(isIpfix, id, fields)),
      padding,
    )
    .map(([content, pad]) => set(isIpfix ? 3 : 1, content, pad));
  const data = fc
    .tuple(ids, fc.uint8Array({ maxLength: 60 }))
    .map(([id, content]) => set(id, content));
  const strange = fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 12 }))
    .map(([id, content]) => set(id, content));
  return fc.oneof(
    { arbitrary: templates, weight: 4 },
    { arbitrary: options, weight: 3 },
    { arbitrary: data, weight: 8 },
    { arbitrary: strange, weight: 1 },
  );
}

/** Some of which something is wrong: they are cut, longer than they say, or have a byte that is another. */
function harmed(message: Uint8Array): fc.Arbitrary<Uint8Array> {
  // No two messages are alike: each keeps its sequence number.
  const place = fc.integer({ min: 16, max: message.length });
  return fc.oneof(
    place.map((end) => message.slice(0, end)),
    place.map((end) => message.with(end - 1, (message[end - 1] as number) ^ 0xff)),
    fc.constant(Uint8Array.from([...message, ...number(0, 5)])),
  );
}

const arbitraryMessage: fc.Arbitrary<Buffer> = fc
  .boolean()
  .chain((isIpfix) =>
    fc
      .tuple(fc.array(anySet(isIpfix), { maxLength: 5 }), fc.record({ domain: fc.nat({ max: 1 }) }))
      .map(([sets, options]) => (isIpfix ? ipfixMessage : netflow9Message)(sets, options)),
  )
  .chain((message) =>
    fc.oneof(
      { arbitrary: fc.constant(message), weight: 9 },
      { arbitrary: harmed(message), weight: 1 },
    ),
  )
  .map((message) => Buffer.from(message));

/** Messages of one exporter endpoint, in order; their sequence numbers count them. */
export const arbitraryTemplateMessages: fc.Arbitrary<readonly Buffer[]> = fc
  .array(arbitraryMessage, { minLength: 10, maxLength: 40 })
  .map((messages) => {
    for (const [i, message] of messages.entries()) {
      message.writeUInt32BE(i, message.readUInt16BE(0) === 9 ? 12 : 8);
    }
    return messages;
  });
