import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromJsonString } from '@bufbuild/protobuf';
import { fromText, toText } from '@bufbuild/protobuf/txtpb';
import fc from 'fast-check';
import { arbitraryRuleSet } from '../../test/support/arbitrary-rules.ts';
import { arbitraryTaste, tasteOf, writeJson, writeText } from '../../test/support/rules-text.ts';
import { findMethod } from '../cli/messages.ts';
import type { Output, RuleSet } from '../model/rules.ts';
import { canonicaliseRuleSet } from '../rules/canonicalise.ts';
import { ruleMessage } from '../rules/message.ts';
import { outputMessage } from '../rules/output-message.ts';
import { Document, type DocumentFormat, formatOf } from './document.ts';
import { formatProblem, readRules, UNKNOWN_HOST } from './rules-file.ts';
import { loadShape } from './shape.ts';

const RULES = loadShape('ProxyRules');
const { input: SCHEMA } = findMethod('floxy', 'collector.proto.Settings', 'ReplaceProxyRules');

const read = (text: string, format: DocumentFormat) =>
  Document.read(Buffer.from(text), RULES, format);

/** `2:5 path: message` of each problem, those between rules too. */
async function problemsOf(text: string, format: DocumentFormat = 'text'): Promise<string[]> {
  const document = await read(text, format);
  const { problems } = await readRules(document, UNKNOWN_HOST);
  return problems.map((problem) => formatProblem('', document, problem));
}

/** Whether the protobuf library takes it. */
function libraryTakes(text: string, format: DocumentFormat): boolean {
  try {
    if (format === 'json') fromJsonString(SCHEMA, text);
    else fromText(SCHEMA, text);
    return true;
  } catch {
    return false;
  }
}

for (const [format, write] of [
  ['text', writeText],
  ['json', writeJson],
] as const) {
  describe(`a file of rules as ${format}`, () => {
    it('has the rules that were written, however they were', async () => {
      await fc.assert(
        fc.asyncProperty(
          arbitraryRuleSet({ isPlain: true }),
          arbitraryTaste,
          async (ruleSet, numbers) => {
            const text = write(ruleSet, tasteOf(numbers));
            const document = await read(text, format);
            assert.deepEqual(document.problems, []);
            const { ruleSet: found } = await readRules(document, UNKNOWN_HOST);
            assert.deepEqual(JSON.stringify(found), JSON.stringify(ruleSet));
            assert.ok(libraryTakes(text, format), text);
          },
        ),
      );
    });

    it('is refused where the protobuf library refuses it, and only there', async () => {
      const cuts = fc.tuple(fc.nat(400), fc.nat(6), fc.string({ maxLength: 3 }));
      await fc.assert(
        fc.asyncProperty(
          arbitraryRuleSet({ maxRules: 2, isPlain: true }),
          arbitraryTaste,
          cuts,
          async (ruleSet, numbers, [at, length, put]) => {
            const whole = write(ruleSet, tasteOf(numbers));
            const start = at % (whole.length + 1);
            const text = whole.slice(0, start) + put + whole.slice(start + length);
            const { problems } = await read(text, format);
            const isStricter = problems.every(({ message }) => message === 'it is there already');
            if (isStricter && problems.length > 0) return;
            // What two addresses of one endpoint mean is judged with the rules.
            if (/host[^}>]*octets|octets[^}>]*host/.test(text)) return;
            assert.equal(problems.length === 0, libraryTakes(text, format), text);
          },
        ),
        { numRuns: Number(process.env['RUNS'] ?? 500) },
      );
    });

    it('tells the place of every part: what was written there begins at it', async () => {
      await fc.assert(
        fc.asyncProperty(
          arbitraryRuleSet({ isPlain: true }),
          arbitraryTaste,
          async (ruleSet, numbers) => {
            const text = write(ruleSet, tasteOf(numbers));
            const document = await read(text, format);
            const lines = text.split('\n');
            for (const [path, beginnings] of partsOf(ruleSet, format)) {
              const place = document.placeOf(path);
              assert.ok(place, path);
              const found = [...(lines[place.line - 1] ?? '')].slice(place.column - 1).join('');
              assert.ok(
                beginnings.some((beginning) => found.startsWith(beginning)),
                `${path}: ${found}`,
              );
            }
          },
        ),
      );
    });
  });
}

for (const format of ['text', 'json'] as const) {
  it(`${format} that the protobuf library prints of any rules is read`, async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRuleSet(), async (ruleSet) => {
        const { rules, defaultOutputs } = ruleSet;
        const message = {
          rules: rules.map((rule) => ruleMessage(rule, 'text')),
          defaultOutputs: defaultOutputs.map((output) => outputMessage(output, 'text')),
        };
        const json = JSON.stringify(message);
        const text = format === 'json' ? json : toText(SCHEMA, fromJsonString(SCHEMA, json));
        const document = await read(text, format);
        assert.deepEqual(document.problems, []);
        assert.deepEqual(canonicaliseRuleSet(document.message), ruleSet);
      }),
    );
  });
}

/** The paths of what is in a rule set, and what may be written there. */
function* partsOf(
  { rules, defaultOutputs }: RuleSet,
  format: DocumentFormat,
): Generator<[path: string, beginnings: string[]]> {
  const opens = format === 'json' ? ['{'] : ['{', '<'];
  for (const [i, { outputs }] of rules.entries()) {
    yield [`rules[${i}]`, [...opens, 'rules']];
    yield [`rules[${i}].exporter`, [format === 'json' ? '"exporter"' : 'exporter']];
    for (const [k, output] of outputs.entries()) {
      yield [`rules[${i}].outputs[${k}]`, [...opens, 'outputs']];
      yield* partsOfOutput(`rules[${i}].outputs[${k}]`, output, opens);
    }
  }
  for (const i of defaultOutputs.keys()) yield [`default_outputs[${i}]`, [...opens, 'default']];
}

function* partsOfOutput(
  path: string,
  { collectors = [], pipeline }: Output,
  opens: readonly string[],
): Generator<[path: string, beginnings: string[]]> {
  if (pipeline !== undefined) yield [`${path}.pipeline`, ['"', "'"]];
  for (const [c, { endpoint }] of collectors.entries()) {
    yield [`${path}.collectors[${c}]`, [...opens, 'collectors']];
    const { port } = endpoint;
    const ways = [`${port}`, `"${port}"`, `0x${port.toString(16)}`, `0${port.toString(8)}`];
    if (port > 0) yield [`${path}.collectors[${c}].endpoint.port`, ways];
  }
}

describe('problems of a file', () => {
  it('are all told, each with its place, in their order', async () => {
    const text = `rules: {
  exporter: {endpoint: {host: "192.0.2.1" prt: 1}}
  outputs: {collectors: {endpoint: {host: "router"}}}
}
rules: {exporter: {endpoint: {host: 5 port: 70000}}}
rules {outputs {pipeline: "A"} outputs {collectors {endpoint {host: "192.0.2.9"} weight: -1}}}
`;
    assert.deepEqual(await problemsOf(text), [
      ':2:43: rules[0].exporter.endpoint.prt: Endpoint has no field "prt", it has: host, octets, port',
      ':3:43: rules[0].outputs[0].collectors[0].endpoint.host: "router" is not an IPv4 or IPv6 address (host names and zones are not supported)',
      ':5:37: rules[1].exporter.endpoint.host: a string is expected',
      ':5:45: rules[1].exporter.endpoint.port: 70000 is not within 0 to 65535',
      ':6:1: rules[2].exporter.endpoint: missing',
      ':6:27: rules[2].outputs[0].pipeline: "A" is no name of a pipeline: 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit',
      ':6:90: rules[2].outputs[1].collectors[0].weight: a whole number from 0 to 4294967295 is expected',
    ]);
  });

  it('V1: name the line of the other rule', async () => {
    const rule = (host: string) => `rules {exporter {endpoint {host: "${host}"}}}\n`;
    assert.deepEqual(await problemsOf(rule('192.0.2.1') + rule('192.0.2.2') + rule('192.0.2.1')), [
      ':3:18: rules[2].exporter.endpoint: exporter 192.0.2.1 has a rule already, rules[0] (line 1)',
    ]);
  });

  it('are told of JSON in the same way', async () => {
    const text = `{"rules": [
  {"exporter": {"endpoint": {"host": "192.0.2.1", "port": 1.5}},
   "outputs": [{"collectors": {"endpoint": {}}}]},
  {"exporter": {"endpoint": {"octets": "?"}}, "output": []}
], "rules": []}`;
    assert.deepEqual(await problemsOf(text, 'json'), [
      ':2:59: rules[0].exporter.endpoint.port: a whole number from 0 to 4294967295 is expected',
      ':3:31: rules[0].outputs[0].collectors: a list is expected: [ … ]',
      ':4:40: rules[1].exporter.endpoint.octets: a string of base64 is expected',
      ':4:47: rules[1].output: Rule has no field "output", it has: exporter, outputs, expect_every, description',
      ':5:4: rules: it is there already',
    ]);
  });

  const broken: readonly [DocumentFormat, string, string][] = [
    ['text', 'rules: {\n  exporter {', ':2:12: this Exporter does not end: } is missing'],
    ['text', 'rules: {\n  @', ':2:3: "@" has no meaning here'],
    ['text', 'rules: {}\n}', ':2:1: the name of a field is expected here, not "}"'],
    [
      'text',
      'rules {exporter {endpoint {host "a"}}}',
      ':1:33: a colon after host is expected here, not a string',
    ],
    [
      'text',
      'rules {exporter {endpoint {host: "a\n',
      ':1:34: this string does not end on its line',
    ],
    [
      'text',
      'rules {exporter {endpoint {host: "\\q"}}}',
      ':1:35: there is no such escape sequence',
    ],
    ['text', '# ü\nrules: \ufeff', ':2:8: "\ufeff" has no meaning here'],
    ['json', '{"rules": [\n{]}', ':2:2: the name of a field, in quotes is expected here, not "]"'],
    ['json', '', ':1:1: { of ProxyRules is expected here, not the end of the file'],
    ['json', '{} {}', ':1:4: the end of the file is expected here, not "{"'],
    ['json', '{"rules": [{}, ]}', ':1:16: Rule is expected: { … }'],
  ];
  for (const [format, text, expected] of broken) {
    it(`${format} ${JSON.stringify(text)} ends at ${expected}`, async () => {
      const [first] = await problemsOf(text, format);
      assert.equal(first?.replace(/ rules\[\d+\]:/, ''), expected);
    });
  }

  it('say where a file is no UTF-8', async () => {
    const document = await Document.read(Buffer.from('rules {}\n # \xff', 'latin1'), RULES, 'text');
    assert.deepEqual(document.problems, [
      { path: '', message: 'the file is not UTF-8', place: { line: 2, column: 4 } },
    ]);
  });
});

it('a file is JSON when its name says so', () => {
  assert.deepEqual(['a.json', 'a.txtpb', '-'].map(formatOf), ['json', 'text', 'text']);
});

it('a large file lets the process do other things', async () => {
  const text = 'rules {exporter {endpoint {host: "192.0.2.1"}}}\n'.repeat(20_000);
  let hadTurn = false;
  setImmediate(() => {
    hadTurn = true;
  });
  const document = await read(text, 'text');
  assert.ok(hadTurn);
  assert.deepEqual(document.placeOf('rules[19999]'), { line: 20_000, column: 1 });
});
