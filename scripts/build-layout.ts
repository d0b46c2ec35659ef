/**
 * Writes the constants of shared memory (FILES) from the C headers; native/tools/layout.c says which. With --check
 * it only tells whether they are what the headers say.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.ts';

const FILES = {
  table: { path: 'src/table/layout.ts', header: 'native/include/table.h' },
  paths: { path: 'src/native/paths-layout.ts', header: 'native/include/paths.h' },
  kernel: { path: 'src/native/kernel-layout.ts', header: 'native/include/kernel_program.h' },
  native: { path: 'src/native/layout.ts', header: 'native/include/pio.h' },
  notes: { path: 'src/native/notes-layout.ts', header: 'native/include/notes.h' },
  ring: { path: 'src/native/ring-layout.ts', header: 'native/include/ring.h' },
} as const;

type Groups = Map<string, Map<string, string>>;

function readHeaders(): Map<string, Groups> {
  const folder = join(packageRoot, 'native');
  execFileSync('make', ['--no-print-directory', '-s', '-C', folder, 'build/layout'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const lines = execFileSync(join(folder, 'build/layout'), { encoding: 'utf8' }).trim().split('\n');
  const files = new Map<string, Groups>();
  for (const line of lines) {
    const [file = '', group = '', name = '', value = ''] = line.split(' ');
    const groups = files.get(file) ?? new Map<string, Map<string, string>>();
    const constants = groups.get(group) ?? new Map<string, string>();
    files.set(file, groups.set(group, constants.set(name.toUpperCase(), value)));
  }
  return files;
}

function printModule(header: string, groups: Groups): string {
  const printed = [...groups].map(([group, constants]) => {
    const rows = [...constants].map(([name, value]) => `  ${name}: ${value},\n`);
    return `\nexport const ${group} = {\n${rows.join('')}} as const;\n`;
  });
  return `/**
 * Made by npm run build:layout from ${header}, which explains it. Do not edit.
 *
 * SIZE is in bytes. A member is named by its first 32-bit word, or ends in _BYTE and is named by its byte.
 */${printed.join('')}`;
}

const isCheck = process.argv[2] === '--check';
const files = readHeaders();
for (const [file, { path, header }] of Object.entries(FILES)) {
  const text = printModule(header, files.get(file) ?? new Map());
  const absolute = join(packageRoot, path);
  let present = '';
  try {
    present = readFileSync(absolute, 'utf8');
  } catch {
    // It is written now.
  }
  if (present === text) continue;
  if (isCheck) {
    process.stderr.write(
      `${path} is not what ${header} says: run npm run build:layout and commit it\n`,
    );
    process.exitCode = 1;
  } else writeFileSync(absolute, text);
}
