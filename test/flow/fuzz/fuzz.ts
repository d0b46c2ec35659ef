import { Random } from '../../support/flow-messages/random.ts';
import { makeCorpus } from './corpus.ts';
import { FuzzedDecoders } from './fuzzed-decoders.ts';
import { Mutator } from './mutator.ts';

/** Datagrams after which accounts and bounds are looked at. */
const CHECK_EVERY = 5_000;

export interface FuzzRun {
  readonly seed: number;
  readonly datagrams: number;
  /** Told before each datagram: which one it is, so that one that hangs is known. */
  readonly before?: (number: number) => void;
  /** Told after each look at accounts and bounds. */
  readonly checked?: (number: number) => void;
}

/**
 * Feeds changed datagrams to all decoders. Runs of the same seed feed the same.
 *
 * @returns records that were found
 * @throws Error with the datagram, when it broke something
 */
export function fuzz({ seed, datagrams, before, checked }: FuzzRun): number {
  const random = new Random(seed);
  const mutator = new Mutator(random, makeCorpus(random.u32()));
  const decoders = new FuzzedDecoders();
  for (let number = 0; number < datagrams; number++) {
    const datagram = mutator.next();
    before?.(number);
    try {
      decoders.feed(datagram, number);
      if ((number + 1) % CHECK_EVERY === 0 || number + 1 === datagrams) {
        decoders.check();
        checked?.(number + 1);
      }
    } catch (error) {
      const hex = Buffer.from(datagram).toString('hex');
      throw new Error(`datagram ${number} of seed ${seed}: ${hex}`, { cause: error });
    }
  }
  return decoders.records;
}
