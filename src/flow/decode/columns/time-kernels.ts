/** Kernels for points in time: to milliseconds of the Unix epoch with a fraction, exact to the microsecond. */
import { fieldNumber } from '../field-values.ts';
import type { TemplateField } from '../template.ts';
import type { Kernel } from './kernels.ts';

/** What times of a message are relative to. */
export interface MessageClock {
  /** When the message was sent: milliseconds of the Unix epoch. */
  readonly exportMs: number;
  /** Uptime of the exporter at that moment (v5, v9): milliseconds. */
  readonly sysUptime: number;
  /** When the exporter started, as options said (IPFIX); 0 when unknown. */
  readonly systemInitMs: number;
  /** Times of uptime are relative to exportMs and sysUptime (v5, v9), else to systemInitMs. */
  readonly hasUptime: boolean;
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

/** @returns undefined for a length that the form cannot have */
export function timeKernel(
  field: TemplateField,
  form: TimeForm,
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
      return field.length === 4 ? uptimes(field, out, clock) : undefined;
    case 'deltaMicroseconds':
      return deltas(field, out, clock);
  }
}

function millisecondsOfEight({ run, offset }: TemplateField, out: Float64Array): Kernel {
  return ({ view, positions, stride }, from, count, row) => {
    const base = run * stride + from;
    for (let i = 0; i < count; i++) {
      const at = (positions[base + i] as number) + offset;
      out[row + i] = view.getUint32(at) * WORD + view.getUint32(at + 4);
    }
  };
}

function numberTimes(field: TemplateField, out: Float64Array, factor: number): Kernel {
  const { run, offset, length } = field;
  if (length === 4) {
    return ({ view, positions, stride }, from, count, row) => {
      const base = run * stride + from;
      for (let i = 0; i < count; i++)
        out[row + i] = view.getUint32((positions[base + i] as number) + offset) * factor;
    };
  }
  return (set, from, count, row) => {
    for (let i = 0; i < count; i++) out[row + i] = fieldNumber(set, from + i, field) * factor;
  };
}

/** 32 bits of seconds since 1900 and 32 of a fraction (RFC 7011 section 6.1.9); of microseconds 11 bits mean nothing. */
function ntpTimes({ run, offset }: TemplateField, out: Float64Array, isMicro: boolean): Kernel {
  const mask = isMicro ? 0xffff_f800 : 0xffff_ffff;
  return ({ view, positions, stride }, from, count, row) => {
    const base = run * stride + from;
    for (let i = 0; i < count; i++) {
      const at = (positions[base + i] as number) + offset;
      out[row + i] = ntpTime(view.getUint32(at), (view.getUint32(at + 4) & mask) >>> 0);
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
  return ({ view, positions, stride }, from, count, row) => {
    const base = run * stride + from;
    const { hasUptime, exportMs, sysUptime, systemInitMs } = clock;
    if (!hasUptime && systemInitMs === 0) return;
    for (let i = 0; i < count; i++) {
      const uptime = view.getUint32((positions[base + i] as number) + offset);
      if (uptime === 0) continue;
      out[row + i] = hasUptime ? exportMs - ((sysUptime - uptime) | 0) : systemInitMs + uptime;
    }
  };
}

/** Microseconds before the message was sent. */
function deltas(field: TemplateField, out: Float64Array, clock: MessageClock): Kernel {
  return (set, from, count, row) => {
    const { exportMs } = clock;
    for (let i = 0; i < count; i++)
      out[row + i] = exportMs - fieldNumber(set, from + i, field) / 1000;
  };
}

/** Uptimes where the record says itself when the exporter started (systemInitTimeMilliseconds, 160). */
export function uptimeSinceKernel(
  uptime: TemplateField,
  start: TemplateField,
  out: Float64Array,
): Kernel {
  return (set, from, count, row) => {
    for (let i = 0; i < count; i++) {
      const startMs = fieldNumber(set, from + i, start);
      if (startMs !== 0) out[row + i] = startMs + fieldNumber(set, from + i, uptime);
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
  return (set, from, count, row) => {
    for (let i = 0; i < count; i++) {
      const startMs = start[row + i] as number;
      if (startMs !== 0 && end[row + i] === 0)
        end[row + i] = startMs + fieldNumber(set, from + i, length) / perMs;
    }
  };
}
