/** What the frame and the processes of measurements say to each other. */
import type { MeasurementContext } from './measurement.ts';

export interface Start extends MeasurementContext {
  readonly id: string;
}

export type Request =
  | { readonly kind: 'run'; readonly milliseconds: number }
  | { readonly kind: 'stop' };

/** What one turn has brought. */
export interface Round {
  readonly count: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly figures: Readonly<Record<string, number>>;
}

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'round'; readonly round: Round }
  | { readonly kind: 'failed'; readonly reason: string };
