/** One measurement in a process of its own: makes ready, then runs when it is told to. */
import { MEASUREMENTS } from './items.ts';
import type { Answer, Request, Start } from './protocol.ts';

const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;

function answer(message: Answer, then = () => undefined): void {
  process.send?.(message, then);
}

async function main(): Promise<void> {
  const { id, ...context } = JSON.parse(process.argv[2] ?? '{}') as Start;
  const measurement = MEASUREMENTS.find((other) => other.id === id);
  if (measurement === undefined) throw new Error(`there is no measurement ${id}`);
  const prepared = await measurement.prepare(context);
  answer({ kind: 'ready' });
  process.on('message', (request: Request) => {
    void handle(request).catch(fail);
  });

  async function handle(request: Request): Promise<void> {
    if (request.kind === 'stop') {
      await prepared[Symbol.asyncDispose]?.();
      process.disconnect();
      return;
    }
    const before = process.cpuUsage();
    const started = process.hrtime.bigint();
    const work = await prepared.run(request.milliseconds);
    const seconds = Number(process.hrtime.bigint() - started) / NANOSECONDS;
    const { user, system } = process.cpuUsage(before);
    const cpuSeconds = work.cpuSeconds ?? (user + system) / MICROSECONDS;
    const { count, figures = {} } = work;
    answer({ kind: 'round', round: { count, seconds, cpuSeconds, figures } });
  }
}

function fail(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  // What was under way has nothing left to work for.
  answer({ kind: 'failed', reason }, () => process.exit(1));
}

main().catch(fail);
