import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLines } from './text-places.ts';

const TEXT = `# rules: {}
rules: {
    exporter: {endpoint: {host: "a # { \\" b"}}  # }
    outputs: {collectors: {}}
}
rules {exporter <endpoint: {}>} rules: {
}
default_outputs: {}
rules: [
    {exporter: {}},
    <
    >
]
default_outputs {
}
`;

function lineOf(place: string): string | undefined {
  return /\(f:(\d+)\)/.exec(withLines(`${place}: wrong`, 'f', TEXT))?.[1];
}

test('every way to write a message of a list has its line', () => {
  const lines = [0, 1, 2, 3, 4].map((index) => lineOf(`rules[${index}].outputs[7].x`));
  assert.deepEqual(lines, ['2', '6', '6', '10', '11']);
  assert.deepEqual(
    [0, 1].map((index) => lineOf(`default_outputs[${index}]`)),
    ['8', '14'],
  );
});

test('all places of an error are told; what is not in the text stays as it is', () => {
  const error =
    'rules[1].exporter.endpoint: exporter 192.0.2.1 has a rule already, rules[0]; rules[99]: x; other[0]: y';
  assert.equal(
    withLines(error, 'f', TEXT),
    'rules[1].exporter.endpoint (f:6): exporter 192.0.2.1 has a rule already, rules[0] (f:2); rules[99]: x; other[0]: y',
  );
});
