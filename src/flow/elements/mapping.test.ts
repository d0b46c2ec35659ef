import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseElementMapping } from './mapping.ts';

test("the user's elements are read in the form of vFlow's ipfix.elements", () => {
  const text = `
# ours
0:
  1:
    - "octetDeltaCount"
    - "unsigned64"
6871:
  14: [initialTCPFlags, unsigned8]
  "21": [flowKeyHash, unsigned32]
`;
  assert.deepEqual(parseElementMapping(text, 'ipfix.elements'), [
    { pen: 0, id: 1, name: 'octetDeltaCount', type: 'unsigned64' },
    { pen: 6871, id: 14, name: 'initialTCPFlags', type: 'unsigned8' },
    { pen: 6871, id: 21, name: 'flowKeyHash', type: 'unsigned32' },
  ]);
});

test('a file without elements has none', () => {
  assert.deepEqual(parseElementMapping('# nothing yet\n', 'x'), []);
});

test('what is wrong is told with its line', () => {
  const told = (text: string) => {
    try {
      parseElementMapping(text, 'my.yaml');
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing';
  };
  assert.equal(told('- 1\n'), 'my.yaml:1: here a mapping of enterprise numbers is expected');
  assert.equal(told('0: 5\n'), 'my.yaml:1: here a mapping of element ids is expected');
  assert.equal(
    told('0:\n  1: [a, boolean]\n  x: [b, boolean]\n'),
    'my.yaml:3: "x" is none of the element ids: they are 0 to 65535',
  );
  assert.equal(
    told('0:\n  1: [a]\n'),
    `my.yaml:2: a has type "undefined", which is none of ${types()}`,
  );
  assert.equal(
    told('0:\n  1:\n   - ""\n   - boolean\n'),
    'my.yaml:3: an element is [name, type], such as [octetDeltaCount, unsigned64]',
  );
  assert.match(told('0: [\n'), /^my\.yaml: .* at line 2/);
});

function types(): string {
  return 'octetArray, unsigned8, unsigned16, unsigned32, unsigned64, unsigned256, signed8, signed16, signed32, signed64, float32, float64, boolean, macAddress, string, dateTimeSeconds, dateTimeMilliseconds, dateTimeMicroseconds, dateTimeNanoseconds, ipv4Address, ipv6Address, basicList, subTemplateList, subTemplateMultiList';
}
