/** Kernels for points in time: to milliseconds of the Unix epoch with a fraction, exact to the microsecond. */
import { fieldNumber } from '../field-values.ts';
import type { TemplateField } from '../template.ts';
import type { Kernel } from './kernels.ts';

/** What times of a message are relative to, for each row. */
export interface MessageClock {
  /** When the message was sent: milliseconds of the Unix epoch. */
  readonly exportMs: Float64Array;
  /** Uptime of the exporter at that moment (v5, v9): milliseconds. */
  readonly sysUptime: Uint32Array;
  /** When the exporter started, as options said (IPFIX); 0 when unknown. */
  readonly systemInitMs: Float64Array;
}

/** How a field says a point in time, or a length of it. */
export type TimeForm =
  | 'seconds'
  | 'milliseconds'
  | 'ntpMicroseconds'
  | 'ntpNanoseconds'
  | 'uptime'
  | 'deltaMicroseconds';

/** Seconds from 1900, where NTP's time begins, to 1970. */
const NTP_SECONDS = 2_208_988_800;
const WORD = 2 ** 32;

/**
 * @param version of the template: uptimes are of another beginning in IPFIX
 * @returns undefined for a length that the form cannot have
 */
export function timeKernel(
  field: TemplateField,
  form: TimeForm,
  version: 5 | 9 | 10,
  out: Float64Array,
  clock: MessageClock,
): Kernel | undefined {
  switch (form) {
    case 'seconds':
      return numberTimes(field, out, 1000);
    case 'milliseconds':
      return field.length === 8 ? millisecondsOfEight(field, out) : numberTimes(field, out, 1);
    case 'ntpMicroseconds':
    case 'ntpNanoseconds':
      return field.length === 8 ? ntpTimes(field, out, form === 'ntpMicroseconds') : undefined;
    case 'uptime':
      if (field.length !== 4) return undefined;
      return version === 10 ? uptimesOfIpfix(field, out, clock) : uptimes(field, out, clock);
    case 'deltaMicroseconds':
      return deltas(field, out, clock);
  }
}

function millisecondsOfEight({ run, offset }: TemplateField, out: Float64Array): Kernel {
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const at = (positions[base + i] as number) + offset;
      out[rows[i] as number] = view.getUint32(at) * WORD + view.getUint32(at + 4);
    }
  };
}

function numberTimes(field: TemplateField, out: Float64Array, factor: number): Kernel {
  const { run, offset, length } = field;
  if (length === 4) {
    return ({ view, positions, stride, rows, count }) => {
      const base = run * stride;
      for (let i = 0; i < count; i++)
        out[rows[i] as number] = view.getUint32((positions[base + i] as number) + offset) * factor;
    };
  }
  return (records) => {
    const { rows, count } = records;
    for (let i = 0; i < count; i++)
      out[rows[i] as number] = fieldNumber(records, i, field) * factor;
  };
}

/** 32 bits of seconds since 1900 and 32 of a fraction (RFC 7011 section 6.1.9); of microseconds 11 bits mean nothing. */
function ntpTimes({ run, offset }: TemplateField, out: Float64Array, isMicro: boolean): Kernel {
  const mask = isMicro ? 0xffff_f800 : 0xffff_ffff;
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const at = (positions[base + i] as number) + offset;
      out[rows[i] as number] = ntpTime(view.getUint32(at), (view.getUint32(at + 4) & mask) >>> 0);
    }
  };
}

function ntpTime(seconds: number, fraction: number): number {
  if (seconds === 0 && fraction === 0) return 0;
  // What is before 1970 is of the era that begins in 2036.
  const since1970 = seconds - NTP_SECONDS + (seconds < NTP_SECONDS ? WORD : 0);
  return since1970 * 1000 + Math.round((fraction / WORD) * 1_000_000) / 1000;
}

/** Uptime of the exporter; wraps after 49.7 days, so that what counts is how long it is from that of the message. */
function uptimes({ run, offset }: TemplateField, out: Float64Array, clock: MessageClock): Kernel {
  const { exportMs, sysUptime } = clock;
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const uptime = view.getUint32((positions[base + i] as number) + offset);
      const row = rows[i] as number;
      if (uptime !== 0)
        out[row] = (exportMs[row] as number) - (((sysUptime[row] as number) - uptime) | 0);
    }
  };
}

/** Uptime of an exporter of IPFIX, whose messages do not say it: holds where options have said when it started. */
function uptimesOfIpfix(
  { run, offset }: TemplateField,
  out: Float64Array,
  clock: MessageClock,
): Kernel {
  const { systemInitMs } = clock;
  return ({ view, positions, stride, rows, count }) => {
    const base = run * stride;
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      const startMs = systemInitMs[row] as number;
      if (startMs !== 0)
        out[row] = startMs + view.getUint32((positions[base + i] as number) + offset);
    }
  };
}

/** Microseconds before the message was sent. */
function deltas(field: TemplateField, out: Float64Array, { exportMs }: MessageClock): Kernel {
  return (records) => {
    const { rows, count } = records;
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      out[row] = (exportMs[row] as number) - fieldNumber(records, i, field) / 1000;
    }
  };
}

/**
 * Uptimes where the record says itself when the exporter started (systemInitTimeMilliseconds, 160).
 *
 * @returns undefined for lengths that they cannot have
 */
export function uptimeSinceKernel(
  uptime: TemplateField,
  start: TemplateField,
  out: Float64Array,
): Kernel | undefined {
  if (uptime.length !== 4 || start.length !== 8) return undefined;
  return ({ view, positions, stride, rows, count }) => {
    const uptimes = uptime.run * stride;
    const starts = start.run * stride;
    for (let i = 0; i < count; i++) {
      const at = (positions[starts + i] as number) + start.offset;
      const startMs = view.getUint32(at) * WORD + view.getUint32(at + 4);
      if (startMs === 0) continue;
      const since = view.getUint32((positions[uptimes + i] as number) + uptime.offset);
      out[rows[i] as number] = startMs + since;
    }
  };
}

/** Ends of flows that say only when they began and how long they were. @param perMs units of the length in one ms */
export function durationKernel(
  length: TemplateField,
  start: Float64Array,
  end: Float64Array,
  perMs: number,
): Kernel {
  return (records) => {
    const { rows, count } = records;
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      const startMs = start[row] as number;
      if (startMs !== 0 && end[row] === 0)
        end[row] = startMs + fieldNumber(records, i, length) / perMs;
    }
  };
}
