import { decode } from './decode.ts';
import { formats } from './formats.ts';
import type { Measurement } from './measurement.ts';
import { producers } from './producers.ts';
import { rivals } from './rivals.ts';
import { sflow } from './sflow.ts';

/** All measurements of the collector, in the order of the report. */
export const MEASUREMENTS: readonly Measurement[] = [
  ...decode,
  ...formats,
  ...producers,
  ...rivals,
  ...sflow,
];
