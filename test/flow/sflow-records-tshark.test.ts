import assert from 'node:assert/strict';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { enterpriseOf } from '../../src/flow/decode/sflow/formats.ts';
import { COUNTER_RECORDS, FLOW_RECORDS } from '../../src/flow/decode/sflow/structures/catalogue.ts';
import type { Structure } from '../../src/flow/decode/sflow/structures/structure.ts';
import { arbitraryRecord, type Place } from '../support/arbitrary-sflow-records.ts';
import { counterSample, flowSample, sflowDatagram } from '../support/sflow-writer.ts';
import { noTshark } from '../support/tshark.ts';
import { PAYLOAD_AT, type ShownField, shownFields, writeCapture } from '../support/tshark-sflow.ts';

/** Fields that tshark 4.0 reads from a wrong place, or does not show. */
const WRONG = new Set([
  'ext_80211_tx transmissions',
  'ext_80211_payload protocol',
  'ext_80211_payload frame_length',
  'ext_80211_payload stripped',
  'ext_80211_payload header',
]);

interface WrittenAt {
  readonly structure: Structure;
  /** Places from the beginning of the frame. */
  readonly places: readonly Place[];
}

/** @returns whether tshark knows the record */
function compareRecord({ structure, places }: WrittenAt, fields: readonly ShownField[]): boolean {
  const start = Math.min(...places.map(({ at }) => at));
  // Of records that it does not know it shows format and length alone; of enterprises it knows none.
  if (enterpriseOf(structure.format) !== 0) return false;
  if (!fields.some(({ at, name }) => at >= start && name.startsWith('sflow'))) return false;
  for (const { key, at, octets } of places) {
    if (octets.length === 0 || WRONG.has(`${structure.name} ${key}`)) continue;
    const shown = fields.filter((field) => field.at === at).map(({ value }) => value);
    const expected = octets.toString('hex');
    // Some fields are shown with what follows, some texts only in part.
    const agrees = shown.some(
      (value) => value !== '' && (expected.startsWith(value) || value.startsWith(expected)),
    );
    assert.ok(agrees, `${structure.name} ${key}: ${expected} at ${at}, tshark ${shown}`);
  }
  return true;
}

describe('records are laid out as tshark has them', { skip: noTshark }, () => {
  const sampled = (records: ReadonlyMap<number, Structure>, sample: typeof flowSample) =>
    [...records.values()].map((structure) => ({ structure, sample }));
  const cases = [
    ...sampled(FLOW_RECORDS, flowSample),
    ...sampled(COUNTER_RECORDS, counterSample as typeof flowSample),
  ];

  test('every field of the records that it knows, in its place', () => {
    using folder = mkdtempDisposableSync(path.join(tmpdir(), 'floxy-sflow-'));
    const written = cases.map(({ structure, sample }) => {
      const [record] = fc.sample(
        arbitraryRecord(structure, ({ key }) => key),
        { numRuns: 1, seed: 7 },
      );
      assert.ok(record);
      const { data, places } = record;
      const sampleBytes = sample({ records: [{ format: structure.format, data }] });
      const payload = sflowDatagram({ samples: [sampleBytes] });
      const start = PAYLOAD_AT + payload.length - data.length;
      return {
        structure,
        payload,
        places: places.map((place) => ({ ...place, at: start + place.at })),
      };
    });
    const file = path.join(folder.path, 'records.pcap');
    writeCapture(
      file,
      written.map(({ payload }) => payload),
    );
    const frames = shownFields(file);
    let compared = 0;
    for (const [i, record] of written.entries()) {
      if (compareRecord(record, frames[i] ?? [])) compared++;
    }
    assert.ok(compared >= 25, `tshark knows ${compared} of the records`);
  });
});
