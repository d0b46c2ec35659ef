/** Programs that are there for as long as the lab is, and the clock of all of them. */
import { Program } from '../lab/program.ts';
import { HANG_MS } from '../lab/shell.ts';

/** Is started again when it ends, as a service manager does. */
export class KeptProgram extends Program {
  #isKept = true;

  /** From now on it stays down when it ends, until start(). */
  release(): void {
    this.#isKept = false;
  }

  /** Starts it when it is not there, and keeps it. */
  override start(): void {
    this.#isKept = true;
    super.start();
  }

  /** Ends it for good, unless it is started again. */
  override end(signal: NodeJS.Signals, timeoutMs = HANG_MS): Promise<number> {
    this.release();
    return super.end(signal, timeoutMs);
  }

  protected override onEnd(): void {
    if (this.#isKept) super.start();
  }
}

/** Milliseconds of CLOCK_MONOTONIC, which the sender and the counter use too. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
