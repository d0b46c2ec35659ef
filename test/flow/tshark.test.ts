import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type DecodedField, decodedRecords } from '../support/decoded-records.ts';
import { capturesFolder, noCaptures, readCapture } from '../support/flow-captures.ts';
import { noTshark, type TsharkRecord, tsharkRecords } from '../support/tshark.ts';
import { agrees } from '../support/tshark-values.ts';

interface KnownDifference {
  readonly why: string;
  /** Records that only tshark has, and that only we have. */
  readonly onlyTshark?: number;
  readonly onlyOurs?: number;
  /** Fields that tshark does not show, as enterprise number/id. */
  readonly notShown?: readonly string[];
}

/** Where tshark (4.0) is wrong, or does not see what we do; everything else has to be the same. */
const DIFFERENCES: Readonly<Record<string, KnownDifference>> = {
  'exatel-nfv9-malformed_2-zero-length-field.pcap': {
    why: 'it shows a record of a template whose fields are all 0 long, as many octets as the set has',
    onlyTshark: 12,
  },
  'pmacct-112-ipfix-ipv6-options-sll.pcap': {
    why: 'their template came from another port of the exporter, which it takes for another one',
    onlyOurs: 9,
  },
  'graylog-ixflow-ipfix-varlen-enterprise.pcap': {
    why: 'it does not show the lists of this vendor',
    notShown: ['3054/195', '3054/197'],
  },
};

/** Fields that it shows in parts: their octets are compared, and nothing else. */
const IN_PARTS: Readonly<Record<string, string>> = {
  '0/89': 'forwardingStatus: status and reason',
  '0/95': 'applicationId: engine and selector',
};

const files = noCaptures
  ? []
  : readdirSync(capturesFolder as string).filter((file) => file.endsWith('.pcap'));

describe('every value of every record is as tshark has it', {
  skip: noCaptures || noTshark,
}, () => {
  for (const file of files) {
    const { why, onlyTshark = 0, onlyOurs = 0, notShown = [] } = DIFFERENCES[file] ?? {};
    test(why === undefined ? file : `${file} (${why})`, async () => {
      const packets = readCapture(file);
      const ports = [...new Set(packets.listenPorts.subarray(0, packets.count))];
      const theirs = await tsharkRecords(join(capturesFolder as string, file), ports);
      const ours = decodedRecords(packets).map((record) =>
        record.filter((field) => field.octets !== '' && !notShown.includes(nameOf(field))),
      );
      const left = Map.groupBy(ours, octetsOf);
      let unmatched = 0;
      for (const record of theirs) {
        const match = left.get(record.fields.map(({ value }) => value).join())?.shift();
        if (match) compareValues(match, record);
        else unmatched++;
      }
      assert.equal(unmatched, onlyTshark, 'records that only tshark has');
      const rest = [...left.values()].reduce((sum, { length }) => sum + length, 0);
      assert.equal(rest, onlyOurs, 'records that only we have');
    });
  }
});

/** Octets of the fields in their order: where records and fields begin and end is the same when these are. */
function octetsOf(record: readonly DecodedField[]): string {
  return record.map(({ octets }) => octets).join();
}

function nameOf({ pen, id }: DecodedField): string {
  return `${pen}/${id}`;
}

function compareValues(record: readonly DecodedField[], theirs: TsharkRecord): void {
  for (const [i, field] of record.entries()) {
    const shown = theirs.fields[i] as TsharkRecord['fields'][number];
    const same = agrees(field, shown);
    if (same === true || (same === undefined && nameOf(field) in IN_PARTS)) continue;
    const where = `frame ${theirs.frame}, ${nameOf(field)} (${shown.name})`;
    assert.fail(`${where}: ${JSON.stringify(field.json)} here, "${shown.show}" in tshark`);
  }
}
