/**
 * Running other programs from tests, and waiting for what they bring about.
 *
 * Nothing here sleeps for a fixed time: `waitFor` polls until a condition holds or a deadline passes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Whatever has not happened by then does not happen at all: a deadline that finds what hangs, and judges nobody's
 * speed. On a machine with other work, what takes a tenth of a second can take ten.
 */
export const HANG_MS = 120_000;

/** What a program said and how it ended. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/** Runs a program to its end. @throws Error with its stderr when the status is not 0 */
export async function run(command: readonly string[], input = ''): Promise<string> {
  const outcome = await attempt(command, input);
  if (outcome.status !== 0) {
    throw new Error(`${command.join(' ')} ended with ${outcome.status}: ${outcome.stderr.trim()}`);
  }
  return outcome.stdout;
}

/** Runs a program to its end, whatever its status. */
export async function attempt(command: readonly string[], input = ''): Promise<Outcome> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  // A program that ends without reading its input is judged by its status.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, status: child.exitCode };
}

/**
 * Polls until `probe` gives a value other than undefined and false.
 *
 * @param what completes "timed out waiting until …"; a function is asked at the end, to tell what was seen
 */
export async function waitFor<T>(
  what: string | (() => string),
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = HANG_MS,
  intervalMs = 10,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) {
      const seen = typeof what === 'string' ? what : what();
      throw new Error(`timed out after ${timeoutMs} ms waiting until ${seen}`);
    }
    await delay(intervalMs);
  }
}

/** Sends a signal, and kills when the process has not ended in time. Returns how long it took, in ms. */
export async function endProcess(
  child: ChildProcess,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<number> {
  const start = performance.now();
  if (!hasEnded(child)) {
    const ended = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    await ended;
    clearTimeout(timer);
  }
  return performance.now() - start;
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
