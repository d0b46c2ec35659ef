import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricFamily } from './metric.ts';
import { formatMetrics, negotiate } from './prometheus.ts';

function format(family: Partial<MetricFamily>, exposition?: 'openmetrics'): string {
  const whole: MetricFamily = {
    name: 'a_total',
    help: 'what it is',
    type: 'counter',
    labels: [],
    samples: [{ value: 1 }],
    ...family,
  };
  return [...formatMetrics([whole], exposition)].join('');
}

test('S30: the format is what the client likes best; that of Prometheus for who does not say', () => {
  const prometheus = [
    '',
    '*/*',
    'text/plain',
    'text/html, application/xml;q=0.9, */*;q=0.8',
    'application/openmetrics-text;q=0',
    'application/openmetrics-text;version=2.0.0, text/plain;q=0.1',
    'application/openmetrics-text;q=0.3, text/plain;version=0.0.4;q=0.4',
    'application/openmetrics-text;q=high',
  ];
  for (const accept of prometheus) assert.equal(negotiate(accept), 'prometheus', accept);
  const openmetrics = [
    'application/openmetrics-text',
    'Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8',
    // Prometheus 2.42
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  ];
  for (const accept of openmetrics) assert.equal(negotiate(accept), 'openmetrics', accept);
});

test('S30: texts are escaped, each as its format has it', () => {
  const help = 'a "b"\\\nc';
  const samples = [{ labels: { l: 'x "y"\\\nz' }, value: 1 }];
  assert.equal(
    format({ help, samples }),
    '# HELP a_total a "b"\\\\\\nc\n# TYPE a_total counter\na_total{l="x \\"y\\"\\\\\\nz"} 1\n',
  );
  assert.equal(
    format({ help, samples }, 'openmetrics'),
    '# HELP a a \\"b\\"\\\\\\nc\n# TYPE a counter\na_total{l="x \\"y\\"\\\\\\nz"} 1\n# EOF\n',
  );
});

test('S30: numbers beyond 2^53 stay exact, and infinities have names', () => {
  const samples = [2n ** 64n - 1n, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const lines = format({ samples: samples.map((value) => ({ value })) })
    .split('\n')
    .slice(2, 6);
  assert.deepEqual(lines, [
    'a_total 18446744073709551615',
    'a_total 0.5',
    'a_total +Inf',
    'a_total -Inf',
  ]);
});

test('S31: a page is made in pieces, and samples are read as they are made', () => {
  let read = 0;
  const samples = {
    *[Symbol.iterator]() {
      for (let i = 0; i < 100_000; i++) {
        read++;
        yield { labels: { number: String(i) }, value: i };
      }
    },
  };
  const family: MetricFamily = { name: 'a', help: 'b', type: 'gauge', labels: ['number'], samples };
  const pieces = formatMetrics([family]);
  const first = pieces.next().value ?? '';
  assert.ok(read < 2000, `${read}`);
  const longest = [...pieces].reduce((most, { length }) => Math.max(most, length), first.length);
  assert.ok(longest < 20_000, `${longest}`);
  assert.equal(read, 100_000);
});
