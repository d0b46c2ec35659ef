/** Memory and descriptors of control and of a forwarder that is never replaced, over a soak. */
import type { LoadStage } from '../test/load/load-stage.ts';
import { type Holdings, holdingsOf } from '../test/load/memory.ts';

/** The heap of a JavaScript process breathes; what it falls back to must not rise by more. */
const GROWTH_LIMIT_BYTES = 12 * 1024 ** 2;
/** A forwarder that is being replaced holds some for a moment. */
const DESCRIPTORS_TOLERANCE = 2;
/** Fewer samples say nothing. */
const LEAST_SAMPLES = 6;

export interface Sample {
  readonly control: Holdings;
  readonly forwarder: Holdings;
}

export class SoakHoldings {
  readonly #samples: Sample[] = [];

  /** Looks at control and at the first forwarder. */
  async sample(stage: LoadStage): Promise<Sample> {
    const [pid = 0] = await stage.service.forwarderPids();
    const sample = { control: holdingsOf(stage.service.pid), forwarder: holdingsOf(pid) };
    this.#samples.push(sample);
    return sample;
  }

  /** Compares the last third of the run with the second: what start-up takes is in the first. */
  assertFlat(): void {
    if (this.#samples.length < LEAST_SAMPLES) return;
    for (const who of ['control', 'forwarder'] as const) {
      const third = Math.floor(this.#samples.length / 3);
      const second = this.#samples.slice(third, 2 * third).map((sample) => sample[who]);
      const last = this.#samples.slice(2 * third).map((sample) => sample[who]);
      for (const kind of ['rssBytes', 'pssBytes'] as const) {
        const grown = least(last, kind) - least(second, kind);
        if (grown > GROWTH_LIMIT_BYTES) throw new Error(`${kind} of ${who} grew by ${grown}`);
      }
      const more = least(last, 'descriptors') - least(second, 'descriptors');
      if (more > DESCRIPTORS_TOLERANCE) throw new Error(`${who} has ${more} more descriptors`);
    }
  }
}

function least(holdings: readonly Holdings[], kind: keyof Holdings): number {
  return Math.min(...holdings.map((holding) => holding[kind]));
}
