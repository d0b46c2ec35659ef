import { decode } from './decode.ts';
import type { Measurement } from './measurement.ts';
import { rivals } from './rivals.ts';

/** All measurements of the collector, in the order of the report. */
export const MEASUREMENTS: readonly Measurement[] = [...decode, ...rivals];
