import { decode } from './decode.ts';
import { formats } from './formats.ts';
import type { Measurement } from './measurement.ts';
import { pipeline } from './pipeline.ts';
import { producers } from './producers.ts';
import { ring } from './ring.ts';
import { rivals } from './rivals.ts';
import { sflow } from './sflow.ts';

/** All measurements of the collector, in the order of the report. */
export const MEASUREMENTS: readonly Measurement[] = [
  ...ring,
  ...decode,
  ...formats,
  ...producers,
  ...pipeline,
  ...rivals,
  ...sflow,
];
