import { InvalidArgumentError } from 'commander';

const MAX_LIMIT_SECONDS = 86_400;

/** Reads how long a command may wait, in seconds. @throws InvalidArgumentError (of commander) */
export function parseLimit(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_LIMIT_SECONDS) return seconds;
  throw new InvalidArgumentError(`Give seconds, above 0 and up to ${MAX_LIMIT_SECONDS}.`);
}
