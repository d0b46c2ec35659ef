import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { CliError, EXIT } from './exit.ts';
import { processScreen } from './process-screen.ts';

/** Standard output, when it is a terminal. */
export interface Screen {
  size(): { readonly columns: number; readonly rows: number };
  /** @returns what ends that */
  onResize(listener: () => void): () => void;
  /** Keys come one by one from now on, Ctrl-C too. @returns what ends that */
  onKey(listener: (key: string) => void): () => void;
}

/** What a command reads and writes. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  /** Undefined: standard output is no terminal. */
  readonly screen?: Screen | undefined;
  /** Resolves when the text is written. @throws EPIPE when nobody reads any more, CliError when it cannot be written */
  print(text: string | Uint8Array): Promise<void>;
  /** Writes to standard error. */
  printError(text: string): void;
  /** Calls the listener once when the user (Ctrl-C), or who runs it, ends it, instead of ending. @returns what ends that */
  onInterrupt(listener: () => void): () => void;
  /** The bytes of a file; `-` is standard input. */
  read(file: string): Promise<Uint8Array>;
  /** Asks whoever sits there. @returns what they typed; undefined when nobody does */
  ask(question: string): Promise<string | undefined>;
  /** Has a file edited. @throws CliError when the editor cannot be run or fails */
  edit(file: string): Promise<void>;
}

/** A second one ends the process whatever it does. */
const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // Failed writes are reported by print(); without a listener they would end the process as well.
  process.stdout.on('error', () => undefined);
  return {
    env: process.env,
    screen: processScreen(),
    print: (text) =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => (error ? reject(cannotPrint(error)) : resolve()));
      }),
    printError: (text) => {
      process.stderr.write(text);
    },
    onInterrupt: (listener) => {
      const stop = () => {
        for (const signal of ENDINGS) process.off(signal, heard);
      };
      const heard = () => {
        stop();
        listener();
      };
      for (const signal of ENDINGS) process.on(signal, heard);
      return stop;
    },
    read: (file) => (file === '-' ? readStandardInput() : readFile(file)),
    ask,
    edit: (file) => runEditor(process.env['VISUAL'] || process.env['EDITOR'] || 'vi', file),
  };
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const dialogue = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new Promise<undefined>((resolve) => {
    dialogue.once('close', () => resolve(undefined));
  });
  try {
    return await Promise.race([dialogue.question(question), gone]);
  } finally {
    dialogue.close();
  }
}

/** @param command may have arguments, as EDITOR commonly does */
async function runEditor(command: string, file: string): Promise<void> {
  // Ctrl-C belongs to the editor meanwhile.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  try {
    const editor = spawn('sh', ['-c', `${command} "$1"`, 'sh', file], { stdio: 'inherit' });
    const [status, signal] = await once(editor, 'close');
    if (status === 0) return;
    const hint = status === 127 ? ': set EDITOR to an editor that is there' : '';
    const how = signal ?? `status ${status}`;
    throw new CliError(EXIT.failed, `the editor \`${command}\` ended with ${how}${hint}`);
  } finally {
    process.off('SIGINT', ignore);
  }
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
