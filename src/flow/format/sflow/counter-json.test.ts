import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetsOf } from '../../../../test/support/packets.ts';
import {
  counterSample,
  flowSample,
  opaque,
  type SflowDatagramSpec,
  sflowDatagram,
  words,
} from '../../../../test/support/sflow-writer.ts';
import { makeDecodeCounters } from '../../decode/counters.ts';
import { COUNTER_RECORDS } from '../../decode/sflow/structures/catalogue.ts';
import { SflowWalker } from '../../decode/sflow/walker.ts';
import { SflowCounterJson } from './counter-json.ts';

function write(spec: SflowDatagramSpec) {
  const objects: unknown[] = [];
  let records = 0;
  const keys: string[] = [];
  const json = new SflowCounterJson({
    keyed: true,
    handOn: (batch) => {
      let start = 0;
      for (const end of batch.ends) {
        objects.push(JSON.parse(batch.bytes.toString('utf8', start, end)));
        start = end;
      }
      records += batch.records;
      keys.push(...(batch.keys ?? []).map(String));
    },
  });
  new SflowWalker(json, makeDecodeCounters()).datagram(packetsOf([sflowDatagram(spec)]), 0);
  json.flush();
  assert.equal(records, objects.length);
  return { objects, keys };
}

test('an object for each record that is known, with whose it is', () => {
  const records = [
    { format: 1001, data: Buffer.concat([words(1, 2, 3, 0, 4, 0, 5)]) },
    { format: (77 << 12) | 1, data: words(1) },
    { format: 1005, data: opaque('eth"0') },
  ];
  const samples = [
    flowSample({ records: [] }),
    counterSample({ sequence: 9, sourceClass: 2, source: 3, records }),
  ];
  const whose = {
    type: 'sflow_counter',
    time_received: '2023-11-14T22:13:20.123000Z',
    sampler_address: '2001:db8::1',
    observation_domain_id: 4,
    sequence_num: 9,
    source_class: 2,
    source_index: 3,
  };
  assert.deepEqual(write({ agent: '2001:db8::1', subAgent: 4, samples }), {
    objects: [
      {
        ...whose,
        record: 'processor',
        cpu_5s: 1,
        cpu_1m: 2,
        cpu_5m: 3,
        total_memory: 4,
        free_memory: 5,
      },
      { ...whose, record: 'port_name', name: 'eth"0' },
    ],
    keys: ['2001:db8::1', '2001:db8::1'],
  });
});

test('every known record is an object whose keys are those of its fields', () => {
  const common = 8;
  for (const [format, { name, fields }] of COUNTER_RECORDS) {
    const records = [{ format, data: Buffer.alloc(400) }];
    const [object = {}] = write({ samples: [counterSample({ records })] }).objects as object[];
    const keys = Object.keys(object);
    assert.deepEqual(
      keys.slice(common),
      fields.map(({ key }) => key),
      name,
    );
    assert.equal(new Set(keys).size, keys.length);
  }
});
