import { fieldNumber, findField } from './field-values.ts';
import type { RecordSet, Template } from './template.ts';

/** The sampling rate that a record itself tells: one in so many packets; 0 when it tells none. */
export type RateReader = (set: RecordSet, record: number) => number;

const MAX_RATE = 0xffff_ffff;

/**
 * How the records of a template tell a sampling rate: samplingPacketInterval and -Space (305, 306, RFC 5477),
 * samplingSize and -Population (309, 310), samplingInterval (34) or samplerRandomInterval (50).
 *
 * @returns undefined when they tell none
 */
export function rateReader(template: Template): RateReader | undefined {
  const pair = (
    partId: number,
    wholeId: number,
    rate: (part: number, whole: number) => number,
  ): RateReader | undefined => {
    const part = findField(template, partId);
    const whole = findField(template, wholeId);
    if (part === undefined || whole === undefined) return undefined;
    return (set, i) => bounded(rate(fieldNumber(set, i, part), fieldNumber(set, i, whole)));
  };
  const byInterval = pair(305, 306, (interval, space) =>
    interval === 0 ? 0 : (interval + space) / interval,
  );
  const bySize = pair(309, 310, (size, population) => (size === 0 ? 0 : population / size));
  const direct = findField(template, 34, 50);
  const byRate: RateReader | undefined =
    direct && ((set, i) => bounded(fieldNumber(set, i, direct)));
  return byInterval ?? bySize ?? byRate;
}

function bounded(rate: number): number {
  return Math.min(MAX_RATE, Math.round(rate));
}
