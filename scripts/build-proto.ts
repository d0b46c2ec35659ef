/**
 * Compiles the protocol to dist/proto/*.binpb: FileDescriptorSets with all imports and comments.
 * Server reflection answers from them and the command line reads its message types from them.
 * Works without network access.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.ts';

const BUF = join(packageRoot, 'node_modules/@bufbuild/buf/bin/buf');
const OUTPUT_FOLDER = join(packageRoot, 'dist/proto');

/** Folders of .proto files, by the name of the set that they become. */
const SETS = {
  floxy: join(packageRoot, 'proto'),
  health: join(packageRoot, 'node_modules/grpc-health-check/proto'),
  gobgp: join(packageRoot, 'src/announce'),
} as const;

function buildSet(source: string, output: string): string | undefined {
  if (!existsSync(source)) return `${source} does not exist: run npm ci`;
  // Somebody may be reading the file that is there.
  const unfinished = output.replace(/binpb$/, `${process.pid}.binpb`);
  // Buf's launcher is a script for Node.
  const args = [BUF, 'build', source, '--as-file-descriptor-set', '-o', unfinished];
  const run = spawnSync(process.execPath, args, { cwd: packageRoot, encoding: 'utf8' });
  if (run.status === 0) {
    renameSync(unfinished, output);
    return undefined;
  }
  rmSync(unfinished, { force: true });
  if (run.error) return `buf did not start: ${run.error.message}`;
  return `buf build ${source} failed:\n${run.stderr || run.stdout}`;
}

function buildAll(): string | undefined {
  if (!existsSync(BUF)) return `${BUF} does not exist: run npm ci`;
  mkdirSync(OUTPUT_FOLDER, { recursive: true });
  for (const [name, source] of Object.entries(SETS)) {
    const problem = buildSet(source, join(OUTPUT_FOLDER, `${name}.binpb`));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const problem = buildAll();
if (problem !== undefined) {
  process.stderr.write(`build-proto: ${problem}\n`);
  process.exitCode = 1;
}
