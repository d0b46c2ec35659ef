import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLOW_HEAD, flowLine } from './flow-line.ts';

test('a flow is a line under its head', () => {
  const line = flowLine({
    time_received: '2026-11-26T07:12:34.5Z',
    sampler_address: '192.0.2.1',
    proto: 6,
    src_addr: '198.51.100.7',
    src_port: 443,
    dst_addr: '2001:db8::9',
    dst_port: 51_522,
    packets: 12,
    bytes: 3456,
    in_if: 3,
    out_if_name: 'xe-0/0/1',
    sampling_rate: 1000,
  });
  assert.equal(
    FLOW_HEAD + line,
    `TIME      EXPORTER         PROTO  SOURCE                 DESTINATION              PACKETS      BYTES  INTERFACES
07:12:34  192.0.2.1        tcp    198.51.100.7:443       [2001:db8::9]:51522           12       3.5k  3 → xe-0/0/1  1:1000
`,
  );
});

test('what is unknown is left out, and names steer no terminal', () => {
  assert.match(flowLine({}), /^ +0 +0 +0 {2}- → -\n$/);
  assert.match(flowLine({ sampler_name: '\u001b[2J' }), /\\u001b\[2J/);
});
