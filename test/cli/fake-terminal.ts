import { readFileSync, writeFileSync } from 'node:fs';
import { runCommandLine } from '../../src/cli/run.ts';
import type { Screen } from '../../src/cli/terminal.ts';
import { waitFor } from '../lab/shell.ts';

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
  /** Standard output is a terminal. */
  readonly screen?: FakeScreen;
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
      options.screen?.write(typeof text === 'string' ? text : Buffer.from(text).toString());
    },
    screen: options.screen,
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

/** A terminal of some size, which knows what stands on it, and whose keys can be pressed. */
export class FakeScreen implements Screen {
  #size: { columns: number; rows: number };
  #lines: string[] = [];
  readonly #keys = new Set<(key: string) => void>();
  readonly #resizes = new Set<() => void>();

  constructor(columns: number, rows: number) {
    this.#size = { columns, rows };
  }

  size() {
    return this.#size;
  }

  onKey(listener: (key: string) => void): () => void {
    this.#keys.add(listener);
    return () => this.#keys.delete(listener);
  }

  onResize(listener: () => void): () => void {
    this.#resizes.add(listener);
    return () => this.#resizes.delete(listener);
  }

  get listeners(): number {
    return this.#keys.size + this.#resizes.size;
  }

  press(key: string): void {
    for (const listener of this.#keys) listener(key);
  }

  resize(columns: number, rows: number): void {
    this.#size = { columns, rows };
    for (const listener of this.#resizes) listener();
  }

  /** Each frame is drawn from the upper left corner. */
  write(text: string): void {
    const frame = text.split('\u001b[H').at(-1) ?? '';
    if (!frame.includes('\u001b[K')) return;
    this.#lines = frame.split('\u001b[J')[0]?.split('\r\n') ?? [];
    this.#lines = this.#lines.map((line) => line.replace('\u001b[K', ''));
  }

  lines(): readonly string[] {
    return this.#lines;
  }

  async shows(pattern: RegExp): Promise<void> {
    const text = () => this.#lines.join('\n');
    await waitFor(
      () => `the screen shows ${pattern}; it shows:\n${text()}`,
      () => pattern.test(text()),
    );
  }
}
