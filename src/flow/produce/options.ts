/** Options that producers of all kinds have, and the kinds of values that options are made of. */
import { z } from 'zod';

const SIZE_UNITS = { B: 1, kB: 1e3, KiB: 1024, MB: 1e6, MiB: 1024 ** 2, GB: 1e9, GiB: 1024 ** 3 };
const TIME_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Node.js' timers count no further. */
const LONGEST_MS = 2 ** 31 - 1;

/** An option that is an amount of octets: a number, or a text such as `64MiB`. */
export function size(preset: string, meaning: string, least = 1) {
  return amount(SIZE_UNITS, 'a size such as 65536, 512KiB, 64MiB or 2GB')
    .refine((octets) => octets >= least, { error: `must be at least ${least} octets` })
    .prefault(preset)
    .meta({ description: meaning });
}

/** An option that is a time: a text such as `250ms`, `5s`, `10m`, `1h`; milliseconds inside. */
export function duration(preset: string, meaning: string, leastMs = 0) {
  return amount(TIME_UNITS, 'a time such as 250ms, 5s, 10m, 1h or 1d', false)
    .refine((ms) => ms >= leastMs && ms <= LONGEST_MS, {
      error: `must be at least ${leastMs}ms and less than 25 days`,
    })
    .prefault(preset)
    .meta({ description: meaning });
}

/** An option that is a whole number. */
export function count(preset: number, meaning: string, least = 0) {
  return z.int().min(least).prefault(preset).meta({ description: meaning });
}

/** An option that is on or off. */
export function flag(preset: boolean, meaning: string) {
  return z.boolean().prefault(preset).meta({ description: meaning });
}

function amount(units: Record<string, number>, wanted: string, plainNumbers = true) {
  return z
    .union([z.number(), z.string()], { error: `must be ${wanted}` })
    .transform((text, context) => {
      const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)?$/.exec(String(text));
      const factor =
        match?.[2] === undefined
          ? plainNumbers || Number(text) === 0
            ? 1
            : undefined
          : units[match[2]];
      const value = Math.round(Number(match?.[1]) * (factor ?? Number.NaN));
      if (Number.isSafeInteger(value)) return value;
      context.addIssue(`must be ${wanted}, not ${JSON.stringify(text)}`);
      return z.NEVER;
    });
}

const spool = z
  .strictObject({
    max_bytes: size(
      '1GiB',
      'most octets on disk: what comes when it is full waits in memory, then is dropped',
      65_536,
    ),
    file_bytes: size('16MiB', 'a file is not begun anew before it has so many octets', 4096),
    fsync: flag(
      false,
      'waits for the disk after each batch: survives a power failure, not only a killed process',
    ),
  })
  .meta({ description: 'while the peer is away, batches wait on disk; absent: in memory alone' });

/** Part of the options of every kind. */
export const commonOptions = {
  queue_bytes: size(
    '64MiB',
    'most octets that wait in memory; what comes beyond is dropped and counted',
    65_536,
  ),
  queue_records: count(1_000_000, 'most flow records that wait in memory', 1),
  batch_bytes: size('1MiB', 'messages are sent together up to so many octets'),
  batch_messages: count(10_000, 'messages are sent together up to so many', 1),
  batch_delay: duration('100ms', 'a batch that is not full is sent after this time'),
  connect_timeout: duration('10s', 'a connection that is not there by then is tried anew', 1),
  send_timeout: duration('30s', 'a batch that is not acknowledged by then is sent again', 1),
  retry_delay: duration(
    '100ms',
    'wait before the second attempt; doubled each time, with up to a quarter of chance',
    1,
  ),
  retry_delay_max: duration('30s', 'the longest such wait', 1),
  retry_attempts: count(
    0,
    'a batch whose sending fails so many times is given up and counted as failed; 0: never',
  ),
  spool: spool.optional(),
};

const common = z.strictObject(commonOptions);
export type CommonOptions = z.output<typeof common>;
export type SpoolOptions = z.output<typeof spool>;
