import { readFile } from 'node:fs/promises';

/** What a command reads and writes. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  /** Resolves when the text is written. @throws EPIPE when nobody reads any more */
  print(text: string): Promise<void>;
  /** Writes to standard error. */
  printError(text: string): void;
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
        process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    printError: (text) => {
      process.stderr.write(text);
    },
    read: (file) => (file === '-' ? readStandardInput() : readFile(file)),
  };
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
