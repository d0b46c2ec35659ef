/**
 * Compiles the protocol to dist/proto/*.binpb: FileDescriptorSets with all imports and comments, for server
 * reflection; and without comments, which are three quarters of them, to dist/proto/types/*.binpb, from which message
 * types are read at each start of the command line. Works without network access.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearField, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { packageRoot } from '../src/package-root.ts';

const BUF = join(packageRoot, 'node_modules/@bufbuild/buf/bin/buf');
const OUTPUT_FOLDER = join(packageRoot, 'dist/proto');
const TYPES_FOLDER = join(OUTPUT_FOLDER, 'types');

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

/** Somebody may be reading the file that is there. */
function replaceFile(file: string, bytes: Uint8Array): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, bytes);
  renameSync(unfinished, file);
}

function writeTypes(name: string): void {
  const set = fromBinary(
    FileDescriptorSetSchema,
    readFileSync(join(OUTPUT_FOLDER, `${name}.binpb`)),
  );
  for (const file of set.file) clearField(file, FileDescriptorProtoSchema.field.sourceCodeInfo);
  replaceFile(join(TYPES_FOLDER, `${name}.binpb`), toBinary(FileDescriptorSetSchema, set));
}

function buildAll(): string | undefined {
  if (!existsSync(BUF)) return `${BUF} does not exist: run npm ci`;
  mkdirSync(TYPES_FOLDER, { recursive: true });
  for (const [name, source] of Object.entries(SETS)) {
    const problem = buildSet(source, join(OUTPUT_FOLDER, `${name}.binpb`));
    if (problem !== undefined) return problem;
    writeTypes(name);
  }
  return undefined;
}

const problem = buildAll();
if (problem !== undefined) {
  process.stderr.write(`build-proto: ${problem}\n`);
  process.exitCode = 1;
}
