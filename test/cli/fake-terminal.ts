import { runCommandLine } from '../../src/cli/run.ts';

/** What a run of the command line left behind. */
export interface Run {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Ctrl-C comes after so many ms. */
  readonly interruptAfterMs?: number;
  /** Contents by file name; `-` is standard input. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** Runs the command line in this process. */
export async function runFloxy(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  let output = '';
  let errors = '';
  const exitCode = await runCommandLine(args, {
    env: options.env ?? {},
    print: async (text) => {
      output += text;
    },
    printError: (text) => {
      errors += text;
    },
    onInterrupt: (listener) => {
      if (options.interruptAfterMs === undefined) return () => undefined;
      const timer = setTimeout(listener, options.interruptAfterMs);
      return () => clearTimeout(timer);
    },
    read: async (file) => {
      const content = options.files?.[file];
      if (content === undefined) throw new Error(`ENOENT: no such file: ${file}`);
      return Buffer.from(content);
    },
  });
  return { exitCode, output, errors };
}
