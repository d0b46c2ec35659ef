import { readFileSync, writeFileSync } from 'node:fs';
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
  /** What the user types, question by question; nobody sits there when they are used up. */
  readonly answers?: readonly string[];
  /** What the user makes of a file in the editor, one time after the other. */
  readonly edits?: readonly ((text: string) => string)[];
}

/** Runs the command line in this process. */
export async function runFloxy(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  let output = '';
  let errors = '';
  const answers = [...(options.answers ?? [])];
  const edits = [...(options.edits ?? [])];
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
    ask: async (question) => {
      const answer = answers.shift();
      errors += `${question}${answer ?? ''}\n`;
      return answer;
    },
    edit: async (file) => {
      const edit = edits.shift();
      if (edit === undefined) throw new Error('the editor was opened once more');
      writeFileSync(file, edit(readFileSync(file, 'utf8')));
    },
  });
  return { exitCode, output, errors };
}
