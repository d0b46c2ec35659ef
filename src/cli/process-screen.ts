import type { ReadStream, WriteStream } from 'node:tty';
import type { Screen } from './terminal.ts';

/** What a terminal says of its size when it says nothing. */
const UNKNOWN_SIZE = { columns: 80, rows: 24 };

/** @returns undefined when standard output is no terminal */
export function processScreen(
  output: WriteStream = process.stdout,
  input: ReadStream = process.stdin,
): Screen | undefined {
  if (!output.isTTY) return undefined;
  return {
    size: () => ({
      columns: output.columns || UNKNOWN_SIZE.columns,
      rows: output.rows || UNKNOWN_SIZE.rows,
    }),
    onResize: (listener) => {
      output.on('resize', listener);
      return () => output.off('resize', listener);
    },
    onKey: (listener) => (input.isTTY ? hearKeys(input, listener) : () => undefined),
  };
}

/** Keys come one by one and are not shown; Ctrl-C is one of them then. */
function hearKeys(input: ReadStream, listener: (key: string) => void): () => void {
  const hear = (bytes: Buffer) => {
    for (const key of bytes.toString('latin1')) listener(key);
  };
  input.setRawMode(true);
  input.on('data', hear);
  input.resume();
  return () => {
    input.off('data', hear);
    input.setRawMode(false);
    input.pause();
  };
}
