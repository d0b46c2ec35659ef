import { readFile } from 'node:fs/promises';
import { CliError, EXIT } from './exit.ts';

/** What a command reads and writes. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  /** Resolves when the text is written. @throws EPIPE when nobody reads any more, CliError when it cannot be written */
  print(text: string): Promise<void>;
  /** Writes to standard error. */
  printError(text: string): void;
  /** Calls the listener once when the user interrupts (Ctrl-C), instead of ending. @returns what ends that */
  onInterrupt(listener: () => void): () => void;
  /** The bytes of a file; `-` is standard input. */
  read(file: string): Promise<Uint8Array>;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // Failed writes are reported by print(); without a listener they would end the process as well.
  process.stdout.on('error', () => undefined);
  return {
    env: process.env,
    print: (text) =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => (error ? reject(cannotPrint(error)) : resolve()));
      }),
    printError: (text) => {
      process.stderr.write(text);
    },
    onInterrupt: (listener) => {
      process.once('SIGINT', listener);
      return () => process.off('SIGINT', listener);
    },
    read: (file) => (file === '-' ? readStandardInput() : readFile(file)),
  };
}

function cannotPrint(error: NodeJS.ErrnoException): Error {
  if (error.code === 'EPIPE') return error;
  const message = `the output cannot be written: ${error.message}`;
  return new CliError(EXIT.failed, message, { cause: error });
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
