/** Rules as files have them, in every way of writing that protobuf text and JSON allow. */
import fc from 'fast-check';
import type { Endpoint } from '../../src/model/endpoint.ts';
import type { Collector, Exporter, Output, RuleSet } from '../../src/model/rules.ts';

/** Decides between ways of writing; a stream of small numbers. */
export type Taste = (ways: number) => number;

export function tasteOf(numbers: readonly number[]): Taste {
  let at = 0;
  return (ways) => (numbers[at++ % numbers.length] ?? 0) % ways;
}

export const arbitraryTaste: fc.Arbitrary<readonly number[]> = fc.array(fc.nat(1000), {
  minLength: 1,
  maxLength: 60,
});

const SPACES = [' ', '\n', '  ', '\t', '\n# rules: { "\n', ' # }\n  '];

/** Writes a rule set as protobuf text. */
export function writeText({ rules, defaultOutputs }: RuleSet, taste: Taste): string {
  const gap = () => SPACES[taste(SPACES.length)] ?? ' ';
  const end = () => [' ', ',', ';', '\n'][taste(4)] ?? ' ';
  const block = (inner: string) => {
    const [open, close] = taste(3) === 0 ? ['<', '>'] : ['{', '}'];
    return `${open}${gap()}${inner}${gap()}${close}`;
  };
  const message = (name: string, inner: string) =>
    `${name}${taste(2) === 0 ? ':' : ''}${gap()}${block(inner)}${end()}`;
  const list = (name: string, inners: readonly string[]) =>
    taste(3) === 0
      ? `${name}:${gap()}[${inners.map((inner) => `${gap()}${block(inner)}`).join(',')}]${end()}`
      : inners.map((inner) => message(name, inner)).join(gap());
  const text = (value: string) => writeString(Buffer.from(value), taste);
  const endpoint = ({ host, octets, port }: Endpoint) => {
    const address =
      taste(3) === 0 ? `octets: ${writeString(octets, taste)}` : `host: ${text(host)}`;
    return message(
      'endpoint',
      port === 0 ? address : `${address}${end()}port:${gap()}${writeInteger(port, taste)}${end()}`,
    );
  };
  const exporter = (from: Exporter) => message('exporter', endpoint(from.endpoint));
  const collector = ({ endpoint: to, weight }: Collector) =>
    weight === 1 ? endpoint(to) : `weight: ${writeInteger(weight, taste)}${end()}${endpoint(to)}`;
  const output = ({ collectors, pipeline }: Output) =>
    collectors === undefined
      ? `pipeline: ${text(pipeline)}`
      : list('collectors', collectors.map(collector));
  const outputs = (name: string, all: readonly Output[]) => list(name, all.map(output));
  const all = rules.map((rule) => `${exporter(rule.exporter)}${outputs('outputs', rule.outputs)}`);
  return `${gap()}${list('rules', all)}${outputs('default_outputs', defaultOutputs)}${gap()}`;
}

/** Writes a rule set as JSON. */
export function writeJson({ rules, defaultOutputs }: RuleSet, taste: Taste): string {
  const endpoint = ({ host, octets, port }: Endpoint) => ({
    ...(taste(3) === 0 ? { octets: Buffer.from(octets).toString('base64') } : { host }),
    ...(port === 0
      ? taste(2) === 0
        ? { port: null }
        : {}
      : { port: taste(2) === 0 ? port : `${port}` }),
  });
  const output = ({ collectors, pipeline }: Output) =>
    collectors === undefined
      ? { pipeline }
      : {
          collectors: collectors.map(({ endpoint: to, weight }) => ({
            endpoint: endpoint(to),
            ...(weight === 1 ? {} : { weight }),
          })),
        };
  const value = {
    rules: rules.map((rule) => ({
      exporter: { endpoint: endpoint(rule.exporter.endpoint) },
      outputs: rule.outputs.map(output),
    })),
    [taste(2) === 0 ? 'default_outputs' : 'defaultOutputs']: defaultOutputs.map(output),
  };
  const text = JSON.stringify(value, undefined, [0, 1, 4][taste(3)]);
  // Any character may be written as an escape.
  return text.replaceAll(/[.a]/g, (char) => (taste(9) === 0 && char === '.' ? '\\u002e' : char));
}

function writeInteger(value: number, taste: Taste): string {
  const ways = [String(value), `0x${value.toString(16)}`, `0${value.toString(8)}`];
  return ways[taste(3)] ?? String(value);
}

/** In one piece or several, plainly or with escapes. */
function writeString(bytes: Uint8Array, taste: Taste): string {
  const quote = taste(2) === 0 ? '"' : "'";
  const chars = Array.from(bytes, (byte) => {
    const plain = String.fromCharCode(byte);
    if (/[0-9a-z.:_-]/.test(plain) && taste(5) > 0) return plain;
    return taste(2) === 0
      ? `\\x${byte.toString(16).padStart(2, '0')}`
      : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  const cut = taste(4) === 0 ? Math.floor(chars.length / 2) : 0;
  const pieces = cut === 0 ? [chars] : [chars.slice(0, cut), chars.slice(cut)];
  return pieces.map((piece) => `${quote}${piece.join('')}${quote}`).join(' ');
}
