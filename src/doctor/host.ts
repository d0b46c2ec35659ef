/** Looking at this host: nothing here changes it, and nothing waits for long. */
import { execFile } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Text of a file of /proc; undefined when it is not there or may not be read. What is longer is cut. */
export function readText(file: string, maxBytes = MAX_FILE_BYTES): string | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    return readAll(fd, maxBytes);
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, maxBytes: number): string {
  const chunks: Buffer[] = [];
  for (let bytes = 0; bytes < maxBytes; ) {
    const chunk = Buffer.alloc(Math.min(65_536, maxBytes - bytes));
    const count = readSync(fd, chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    bytes += count;
  }
  return Buffer.concat(chunks).toString('latin1');
}

/** A file with one number. */
export function readNumber(file: string): number | undefined {
  const text = readText(file)?.trim();
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** Names in a folder; none when it may not be read. */
export function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Where a link of /proc leads; undefined when it may not be read. */
export function readLink(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}

/** What a program printed; a failure in words. */
export type ProgramResult =
  | { readonly output: string; readonly problem?: never }
  | { readonly output?: never; readonly problem: string };

/**
 * Runs a program that only looks. One that takes longer is killed, and not waited for: it may hang in the kernel. It is
 * looked for in sbin too.
 */
export function runProgram(command: readonly string[], limitMs: number): Promise<ProgramResult> {
  const [file = '', ...args] = command;
  const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      { env, maxBuffer: MAX_OUTPUT_BYTES },
      (error, output, stderr) => {
        clearTimeout(timer);
        if (error === null) resolve({ output });
        else if (error.code === 'ENOENT') resolve({ problem: `${file} is not installed` });
        else resolve({ problem: stderr.trim().split('\n', 1)[0] || `${file}: ${error.message}` });
      },
    );
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      resolve({ problem: `${file} did not end within ${limitMs / 1000} s` });
    }, limitMs);
  });
}

/** Value of a kernel parameter of this network namespace: `net.core.rmem_max`. */
export function readParameter(name: string): number | undefined {
  return readNumber(`/proc/sys/${name.replaceAll('.', '/')}`);
}
