import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DECODE_COUNTERS, makeDecodeCounters } from '../../src/flow/decode/counters.ts';
import { Decoder } from '../../src/flow/decode/decoder.ts';
import { NetflowWalker } from '../../src/flow/decode/netflow-walker.ts';
import { noCaptures, readCapture } from '../support/flow-captures.ts';

/** Data and option records as independent decoders count them; those of sets before their template apart. */
const EXPECTED: Readonly<Record<string, { records: number; late?: number }>> = {
  'exatel-nfv9-malformed_2-zero-length-field.pcap': { records: 0 },
  'exatel-nfv9-malformed_4-flowset-length-0.pcap': { records: 1 },
  'graylog-cisco-asa-netflowv9.pcap': { records: 139 },
  'graylog-fgt300d-netflow9-data-before-template.pcap': { records: 65, late: 81 },
  'graylog-ipfix-trailingpadding.pcap': { records: 2 },
  'graylog-ixflow-ipfix-varlen-enterprise.pcap': { records: 3 },
  'graylog-netgraph-netflow5.pcap': { records: 120 },
  'graylog-nprobe-v5-and-v9-3exporters.pcap': { records: 154 },
  'ipfix-multi-sources-23exporters-v4v6.pcap': { records: 7722, late: 549 },
  'ipfix-vmware.pcap': { records: 1039, late: 278 },
  'netflow5_test_juniper_mx80-jflow.dat': { records: 29 },
  'pmacct-101-nfv9-cisco-asr9k.pcap': { records: 51 },
  'pmacct-102-nfv9-two-source-ports.pcap': { records: 35 },
  'pmacct-106-ipfix-huawei-ipv6-varlen.pcap': { records: 4 },
  // Its flow records have a template only from the other port of the exporter.
  'pmacct-112-ipfix-ipv6-options-sll.pcap': { records: 76 + 9 },
  'pmacct-400-ipfix-plus-bmp-tcp.pcap': { records: 995 },
  'pmacct-401-ipfix-ipv6-mpls-plus-bmp-tcp.pcap': { records: 1067 },
  'tcpdump-sflow-9exporters-and-v5-on-6343.pcap': { records: 7 },
};

/** Decodes captures as one exporter's traffic, and returns all counters that have counted, by key. */
function decode(files: readonly string[], pendingBytes?: number): Map<string, number> {
  const counters = makeDecodeCounters();
  const limits = pendingBytes === undefined ? {} : { pendingBytes };
  const netflow = new NetflowWalker({ counters, consumers: [], limits });
  const decoder = new Decoder({
    counters,
    netflow,
    sflow: { datagram: () => undefined, endBatch: () => undefined },
  });
  for (const file of files) decoder.decode(readCapture(file));
  netflow.stop();
  const totals = new Map<string, number>();
  for (const { key, word } of DECODE_COUNTERS) {
    totals.set(key, (totals.get(key) ?? 0) + (counters[word] ?? 0));
  }
  return totals;
}

function recordsOf(totals: ReadonlyMap<string, number>): number {
  return (totals.get('records') ?? 0) + (totals.get('optionRecords') ?? 0);
}

describe('records of real exporters', { skip: noCaptures }, () => {
  for (const [file, { records, late = 0 }] of Object.entries(EXPECTED)) {
    test(`${file}: as many as independent decoders find`, () => {
      assert.equal(recordsOf(decode([file], 0)), records);
      assert.equal(recordsOf(decode([file])), records + late, 'with sets before their template');
    });
  }

  test('a NetStream v9 record is decoded by the template of another datagram', () => {
    const of = (part: string) => `netflow9_test_huawei_netstream_${part}.dat`;
    assert.equal(recordsOf(decode([of('tpl'), of('data')])), 1);
    assert.equal(recordsOf(decode([of('data'), of('tpl')])), 1);
  });

  for (const file of ['ipfix-multi-sources-23exporters-v4v6.pcap', 'ipfix-vmware.pcap']) {
    test(`${file}: exporters that count otherwise than RFC 7011 have lost nothing`, () => {
      const totals = decode([file]);
      assert.equal(totals.get('lostBeforeUs'), 0);
      assert.equal(totals.get('restarts'), 0);
    });
  }
});
