/**
 * Who sends, and by which rules: exporters in four classes, and rule sets in generations. A copy's
 * destination says which class, output, member and generation it is for (tools/traffic/judge), so each copy
 * is judged by itself, however fast the rules change. Even and odd generations differ in everything:
 * collectors, number of outputs, balancing.
 */
import {
  type OutputsText,
  type OutputText,
  outputText,
  type RuleSetText,
} from '../lab/reference.ts';

/** A numbered exporter endpoint: its number is its place in the list. */
export interface LoadStream {
  readonly host: string;
  readonly port: number;
  /** Index into CLASSES. */
  readonly class: number;
}

interface ExporterClass {
  /** Class number in the addresses of the collectors that get its packets. */
  readonly destination: number;
  /** Outputs that get each packet, as bits, under even and odd generations. */
  readonly even: number;
  readonly odd: number;
}

/** What became of a packet by the rules, besides its copies. */
export const IPV4_RULE = 0;
export const IPV6_RULE = 1;
export const IPV4_DEFAULT = 2;
export const IPV6_DEFAULT = 3;
const DEFAULT = 2;

export const CLASSES: readonly ExporterClass[] = [
  { destination: IPV4_RULE, even: 0b011, odd: 0b111 },
  { destination: IPV6_RULE, even: 0b001, odd: 0b011 },
  { destination: DEFAULT, even: 0b011, odd: 0b001 },
  // Under even generations the second output has no collector that can take IPv6.
  { destination: DEFAULT, even: 0b001, odd: 0b001 },
];

const FIRST_PORT = 20_000;
const OUTPUTS = 4;
/** Their numbers begin again after so many. */
export const GENERATIONS = 4_096;
const STREAMS_PER_CLASS = 200;

/** @param perClass exporter endpoints of each class, at most 200 */
export function makeStreams(perClass: number): LoadStream[] {
  if (perClass > STREAMS_PER_CLASS) throw new RangeError(`${perClass} exporters in a class`);
  return Array.from({ length: perClass }, (_, i) => i + 1).flatMap((i) => [
    { host: `203.0.113.${i}`, port: 10_000 + i, class: IPV4_RULE },
    { host: `2001:db8:e::${i.toString(16)}`, port: 11_000 + i, class: IPV6_RULE },
    { host: `100.64.0.${i}`, port: 12_000 + i, class: IPV4_DEFAULT },
    { host: `2001:db8:e:1::${i.toString(16)}`, port: 13_000 + i, class: IPV6_DEFAULT },
  ]);
}

/**
 * The rules of a generation for these exporters.
 *
 * @param templates of all outputs: with ONE, the engine in the kernel handles those of several collectors, too
 */
export function makeRules(
  streams: readonly LoadStream[],
  generation: number,
  templates?: OutputText['templates'],
): RuleSetText {
  const { rules, defaultOutputs = [] } = makePlainRules(streams, generation);
  if (templates === undefined) return { rules, defaultOutputs };
  const withTemplates = (output: OutputsText[number]) => ({ ...outputText(output), templates });
  return {
    rules: rules.map((rule) => ({ ...rule, outputs: rule.outputs.map(withTemplates) })),
    defaultOutputs: defaultOutputs.map(withTemplates),
  };
}

function makePlainRules(streams: readonly LoadStream[], generation: number): RuleSetText {
  const isEven = generation % 2 === 0;
  const to = (family: 4 | 6, number: number, member: number, output: number) => ({
    host: collectorHost(family, number, member),
    port: FIRST_PORT + (generation % GENERATIONS) * OUTPUTS + output,
  });
  const ipv4Outputs = isEven
    ? [[to(4, IPV4_RULE, 0, 0)], [to(6, IPV4_RULE, 1, 1), to(4, IPV4_RULE, 2, 1)]]
    : [
        [to(6, IPV4_RULE, 3, 0)],
        [to(4, IPV4_RULE, 0, 1), to(4, IPV4_RULE, 4, 1)],
        [to(4, IPV4_RULE, 5, 2)],
      ];
  const ipv6Outputs = isEven
    ? [[to(6, IPV6_RULE, 0, 0)]]
    : [[to(6, IPV6_RULE, 0, 0), to(6, IPV6_RULE, 1, 0)], [to(6, IPV6_RULE, 2, 1)]];
  const defaultOutputs = isEven
    ? [[to(6, DEFAULT, 0, 0), to(6, DEFAULT, 1, 0)], [to(4, DEFAULT, 2, 1)]]
    : [[to(6, DEFAULT, 3, 0)]];
  const rules = streams.flatMap(({ host, port, class: number }) => {
    if (number === IPV4_RULE) return [{ exporter: { host }, outputs: ipv4Outputs }];
    if (number === IPV6_RULE) return [{ exporter: { host, port }, outputs: ipv6Outputs }];
    return [];
  });
  return { rules, defaultOutputs };
}

/** Copies that the rules of a generation ask for, of these packets, and those that no collector can take. */
export function askedFor(
  streams: readonly LoadStream[],
  packets: readonly number[],
  generation: number,
): { copies: number; ineligible: number } {
  let copies = 0;
  let ineligible = 0;
  const side = generation % 2 === 0 ? 'even' : 'odd';
  streams.forEach(({ class: number }, i) => {
    const outputs = CLASSES[number]?.[side] ?? 0;
    copies += (packets[i] ?? 0) * outputs.toString(2).replaceAll('0', '').length;
    if (number === IPV6_DEFAULT && side === 'even') ineligible += packets[i] ?? 0;
  });
  return { copies, ineligible };
}

function collectorHost(family: 4 | 6, number: number, member: number): string {
  const last = number * 16 + member;
  return family === 4 ? `192.0.2.${last}` : `2001:db8:c::${last.toString(16)}`;
}
