import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWords } from './address-words.ts';
import { readNames } from './names-file.ts';

const YAML = `
192.0.2.1:
  name: edge1
  interfaces:
    1: xe-0/0/0
    2: {name: xe-0/0/1, description: transit}
2001:db8::1:
  interfaces: {4294967295: {description: only described}}
`;

const CSV = `exporter,interface,name,description
192.0.2.1,,edge1
192.0.2.1,1,xe-0/0/0
192.0.2.1,2,xe-0/0/1,transit
# what comes from elsewhere

2001:db8::1,4294967295,,"only described"
`;

function namesOf(file: string, content: string, show: 'name' | 'description', exporter: string) {
  const words = parseWords(exporter) ?? new Uint32Array(4);
  const found = readNames(file, Buffer.from(content), show).get(words);
  const interfaces = [...(found?.interfaces ?? [])].map(([index, { text }]) => [index, text]);
  return { name: found?.label.text, interfaces };
}

for (const [file, content] of [
  ['names.yaml', YAML],
  ['names.csv', CSV],
] as const) {
  test(`${file} names exporters and interfaces, by name or description`, () => {
    assert.deepEqual(namesOf(file, content, 'name', '192.0.2.1'), {
      name: 'edge1',
      interfaces: [
        [1, 'xe-0/0/0'],
        [2, 'xe-0/0/1'],
      ],
    });
    assert.deepEqual(namesOf(file, content, 'description', '192.0.2.1'), {
      name: 'edge1',
      interfaces: [
        [1, 'xe-0/0/0'],
        [2, 'transit'],
      ],
    });
    assert.deepEqual(namesOf(file, content, 'name', '2001:db8::1').interfaces, [
      [4_294_967_295, 'only described'],
    ]);
    assert.equal(namesOf(file, content, 'name', '192.0.2.2').name, undefined);
  });
}

test('quotes, commas and ends of lines stand in cells with quotes', () => {
  const content = '192.0.2.1,7,"a ""b"", c\nd"\r\n192.0.2.2,8,plain';
  assert.deepEqual(namesOf('n.csv', content, 'name', '192.0.2.1').interfaces, [[7, 'a "b", c\nd']]);
  assert.deepEqual(namesOf('n.csv', content, 'name', '192.0.2.2').interfaces, [[8, 'plain']]);
});

test('what is wrong is told with file and place', () => {
  const wrong = [
    ['n.csv', '192.0.2.1,,a\nrouter,1,b', /^n\.csv: line 2: "router" is no address$/],
    ['n.csv', '192.0.2.1,ge0,b', /^n\.csv: line 1: "ge0" is no index of an interface$/],
    ['n.csv', '192.0.2.1,4294967296,b', /no index/],
    ['n.csv', '192.0.2.1,1,a,b,c', /^n\.csv: line 1: has 5 cells/],
    ['n.csv', '192.0.2.1,1,a"b', /^n\.csv: line 1: a quote in the wrong place$/],
    ['n.yaml', 'router: {name: a}', /^n\.yaml: router: must be an address$/],
    [
      'n.yaml',
      '192.0.2.1: {interfaces: {ge0: a}}',
      /^n\.yaml: 192\.0\.2\.1 → interfaces → ge0: must/,
    ],
    ['n.yaml', '192.0.2.1: {nam: a}', /^n\.yaml: 192\.0\.2\.1: .*nam/],
    ['n.yaml', '192.0.2.1: {name: a', /^n\.yaml: .* line 1/s],
  ] as const;
  for (const [file, content, message] of wrong) {
    assert.throws(() => readNames(file, Buffer.from(content), 'name'), { message }, content);
  }
});

test('an empty file names nobody', () => {
  assert.equal(readNames('n.yaml', Buffer.from(''), 'name').size, 0);
  assert.equal(readNames('n.csv', Buffer.from('\n'), 'name').size, 0);
});
