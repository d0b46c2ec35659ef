import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../package-root.ts';

const TOOLS = ['sh', 'uname', 'readlink', 'dirname'];

/** A package in a temporary folder: bin/floxy, and a folder for PATH with what it needs and no node. */
class FakePackage implements Disposable {
  readonly root = mkdtempSync(path.join(tmpdir(), 'floxy launcher-'));
  readonly launcher = path.join(this.root, 'bin/floxy');
  readonly pathFolder = path.join(this.root, 'path');

  constructor() {
    mkdirSync(path.dirname(this.launcher));
    mkdirSync(this.pathFolder);
    for (const name of ['floxy', 'floxy-node']) {
      copyFileSync(path.join(packageRoot, 'bin', name), path.join(this.root, 'bin', name));
    }
    for (const tool of TOOLS) {
      const found = ['/bin', '/usr/bin'].map((folder) => path.join(folder, tool));
      const source = found.find((file) => spawnSync('test', ['-x', file]).status === 0);
      if (source !== undefined) symlinkSync(source, path.join(this.pathFolder, tool));
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }

  build(program = ''): void {
    mkdirSync(path.join(this.root, 'dist'));
    writeFileSync(path.join(this.root, 'dist/main.js'), program);
  }

  /** A node that says who it is and what it was given. */
  addNode(file: string, version: string): void {
    mkdirSync(path.dirname(file), { recursive: true });
    const script = `#!/bin/sh\n[ "$1" = --version ] && echo v${version} && exit\necho "${version}" "$@"\n`;
    writeFileSync(file, script);
    chmodSync(file, 0o755);
  }

  addPathNode(version: string): void {
    this.addNode(path.join(this.pathFolder, 'node'), version);
  }

  addOwnNode(version: string): void {
    const folder = path.join(this.root, 'node_modules', `node-linux-${process.arch}`, 'bin');
    this.addNode(path.join(folder, 'node'), version);
  }

  run(args: readonly string[] = [], launcher = this.launcher) {
    const env = { PATH: this.pathFolder };
    return spawnSync(launcher, args, { env, encoding: 'utf8', cwd: this.root });
  }
}

test('bin/floxy prefers the Node.js of the package, without debugger, and passes the arguments on', () => {
  using fake = new FakePackage();
  fake.build();
  fake.addPathNode('26.1.0');
  fake.addOwnNode('24.21.0');
  const run = fake.run(['rules', 'list', 'two words']);
  assert.equal(
    run.stdout,
    `24.21.0 --disable-sigusr1 --max-semi-space-size=8 ${fake.root}/dist/main.js rules list two words\n`,
  );
});

test('bin/floxy takes a node of PATH that is new enough', () => {
  using fake = new FakePackage();
  fake.build();
  fake.addPathNode('24.0.0');
  assert.match(fake.run().stdout, /^24\.0\.0 .*main\.js\n$/);
});

test('bin/floxy refuses a node of PATH that is too old, and says which', () => {
  using fake = new FakePackage();
  fake.build();
  fake.addPathNode('20.20.2');
  const run = fake.run();
  assert.equal(run.status, 1);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /^floxy: needs Node\.js 24 or newer, but .*\/path\/node is 20: /);
});

test('bin/floxy says so when there is no node at all', () => {
  using fake = new FakePackage();
  fake.build();
  const run = fake.run();
  assert.equal(run.status, 1);
  assert.match(run.stderr, /^floxy: needs Node\.js 24 or newer, and there is none: /);
});

test('bin/floxy says how to build what is not built', () => {
  using fake = new FakePackage();
  fake.addOwnNode('24.21.0');
  const run = fake.run();
  assert.equal(run.status, 1);
  assert.match(run.stderr, /dist\/main\.js is missing: run .*\/scripts\/start, or 'npm run build'/);
});

test('bin/floxy finds its package through absolute and relative links', () => {
  using fake = new FakePackage();
  fake.build();
  fake.addOwnNode('24.21.0');
  mkdirSync(path.join(fake.root, 'links'));
  const relative = path.join(fake.root, 'links/relative');
  const absolute = path.join(fake.root, 'links/absolute');
  symlinkSync('../bin/floxy', relative);
  symlinkSync(relative, absolute);
  for (const link of [relative, absolute]) {
    assert.equal(
      fake.run([], link).stdout,
      `24.21.0 --disable-sigusr1 --max-semi-space-size=8 ${fake.root}/dist/main.js\n`,
    );
  }
});

test('bin/floxy becomes the program, so that signals reach it and its exit status is passed on', async () => {
  using fake = new FakePackage();
  fake.build(
    "process.on('SIGTERM', () => process.exit(7)); console.log(process.pid); setInterval(() => {}, 1000);",
  );
  const folder = path.join(fake.root, 'node_modules', `node-linux-${process.arch}`, 'bin');
  mkdirSync(folder, { recursive: true });
  symlinkSync(process.execPath, path.join(folder, 'node'));
  const child: ChildProcess = spawn(fake.launcher, { env: { PATH: fake.pathFolder } });
  try {
    const [output] = await once(child.stdout ?? child, 'data');
    assert.equal(Number(String(output)), child.pid);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [7, null]);
  } finally {
    child.kill('SIGKILL');
  }
});

function runMain(args: readonly string[], nodeOptions: readonly string[] = []) {
  const main = path.join(packageRoot, 'src/main.ts');
  return spawnSync(process.execPath, [...nodeOptions, main, ...args], { encoding: 'utf8' });
}

test('the program refuses a Node.js that is too old before it loads anything', () => {
  using fake = new FakePackage();
  const old = path.join(fake.root, 'old.cjs');
  writeFileSync(
    old,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '23.11.1' } });",
  );
  const run = runMain(['--version'], ['--require', old]);
  assert.equal(run.status, 1);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /^floxy needs Node\.js 24 or newer; this is 23\.11\.1 \(.*\)\.\n$/);
});

test('the program passes output, errors and exit statuses on', () => {
  assert.match(runMain(['--version']).stdout, /^\d+\.\d+\.\d+\n$/);
  const bad = runMain(['nonsense']);
  assert.deepEqual([bad.status, bad.stdout], [2, '']);
  assert.match(bad.stderr, /unknown command/);
});

test('a reader that goes away early is no failure', () => {
  const main = path.join(packageRoot, 'src/main.ts');
  const command = '"$0" "$1" check-config; echo "status $?" >&2';
  const script = `{ ${command}; } | true`;
  const run = spawnSync('sh', ['-c', script, process.execPath, main], { encoding: 'utf8' });
  assert.equal(run.stderr, 'status 0\n');
});

for (const command of ['check-config', '--help', '--version']) {
  test(`output that cannot be written fails with one line: floxy ${command}`, () => {
    const main = path.join(packageRoot, 'src/main.ts');
    const script = '"$0" "$1" "$2" >/dev/full';
    const run = spawnSync('sh', ['-c', script, process.execPath, main, command], {
      encoding: 'utf8',
    });
    assert.equal(run.status, 1);
    assert.match(run.stderr, /^floxy: the output cannot be written: ENOSPC[^\n]*\n$/);
  });
}
