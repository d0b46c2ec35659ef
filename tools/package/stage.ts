/** The tree of the package: where each file goes. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** What runs. postinst makes a version of it; see there. */
const PAYLOAD = 'usr/lib/floxy/package';

/** Of the checkout. */
const RUNS = [
  'bin',
  'dist',
  'proto',
  'package.json',
  'native/build/floxy_pio.node',
  'native/build/kernel/floxy.o',
  // Built by native/Makefile.
  'node_modules/raw-socket/build/Release/raw.node',
];

const DOCUMENTS = [
  'README.md',
  'docs',
  'examples',
  'deploy/clickhouse',
  'deploy/ha',
  'deploy/protobuf',
];

/** Files that go elsewhere under another name. */
const PLACES: Readonly<Record<string, string>> = {
  'deploy/systemd/floxy.service': 'lib/systemd/system/floxy.service',
  'deploy/systemd/floxy-collect.service': 'lib/systemd/system/floxy-collect.service',
  'deploy/ha/floxy-announce.service': 'lib/systemd/system/floxy-announce.service',
  'deploy/debian/sysusers.conf': 'usr/lib/sysusers.d/floxy.conf',
  'deploy/debian/sysctl.conf': 'usr/lib/sysctl.d/60-floxy.conf',
  'deploy/debian/floxy.env': 'etc/floxy.env',
  'deploy/debian/floxy-switch': 'usr/sbin/floxy-switch',
  'deploy/debian/lintian-overrides': 'usr/share/lintian/overrides/floxy',
  'deploy/debian/copyright': 'usr/share/doc/floxy/copyright',
};

/** Of packages of npm: sources, and programs for other machines, which nothing here runs. */
const NOT_NEEDED = [
  /(^|\/)\.[^/]+$/,
  /^node-linux-\w+\/(?!bin(\/|$)|package\.json$|LICENSE$)./,
  /^better-sqlite3\/(deps|src|binding\.gyp)/,
  new RegExp(`^better-sqlite3/prebuilds/(?!linux-${process.arch}\\.node$).`),
  // Only headers, with which raw-socket is built.
  /^nan\//,
  /^raw-socket\/(src|example|binding\.gyp|build\/(?!Release(\/|$)))/,
  /\.(map|d\.[cm]?ts|md|markdown)$/i,
];

/** @param tree a folder that is made @throws when something has not been built */
export function stage(root: string, tree: string, version: string): void {
  const payload = path.join(tree, PAYLOAD);
  for (const name of RUNS) copy(root, name, path.join(payload, name));
  for (const name of productionPackages(root)) copyPackage(root, name, payload);
  for (const name of DOCUMENTS) copy(root, name, path.join(tree, 'usr/share/doc/floxy', name));
  for (const [from, to] of Object.entries(PLACES)) copy(root, from, path.join(tree, to));
  chmodSync(path.join(tree, 'etc/floxy.env'), 0o640);
  write(tree, 'usr/share/doc/floxy/NEWS.gz', gzip(readFileSync(path.join(root, 'CHANGELOG.md'))));
  mkdirSync(path.join(tree, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/floxy/current/bin/floxy', path.join(tree, 'usr/bin/floxy'));
  writeReference(tree, payload, version);
}

function copy(root: string, name: string, to: string): void {
  const from = path.join(root, name);
  if (!existsSync(from)) throw new Error(`${name} is missing: npm ci && npm run build`);
  mkdirSync(path.dirname(to), { recursive: true });
  const filter = (file: string) => !/\.test\.(js|ts)$/.test(file);
  cpSync(from, to, { recursive: true, dereference: true, filter });
}

/** Folders of node_modules, by their paths from there, that are needed to run: nested ones too. */
function productionPackages(root: string): readonly string[] {
  const command = ['ls', '--all', '--omit=dev', '--parseable'];
  const lines = execFileSync('npm', command, { cwd: root, encoding: 'utf8' }).trim().split('\n');
  return lines.slice(1).map((line) => path.relative(root, line));
}

function copyPackage(root: string, name: string, payload: string): void {
  const from = path.join(root, name);
  cpSync(from, path.join(payload, name), {
    recursive: true,
    filter: (file) => isNeeded(path.relative(path.join(root, 'node_modules'), file), from, file),
  });
}

function isNeeded(name: string, folder: string, file: string): boolean {
  // Those that are nested are copied on their own, or not.
  if (path.relative(folder, file).startsWith('node_modules')) return false;
  return !NOT_NEEDED.some((pattern) => pattern.test(name));
}

/** What floxy says of itself: as the packaged one says it, so that it can run. */
function writeReference(tree: string, payload: string, version: string): void {
  const say = (...words: string[]) => execFileSync(path.join(payload, 'bin/floxy'), words);
  write(tree, 'usr/share/bash-completion/completions/floxy', say('completion', 'bash'));
  write(tree, 'usr/share/zsh/vendor-completions/_floxy', say('completion', 'zsh'));
  write(tree, 'usr/share/man/man1/floxy.1.gz', gzip(say('manual')));
  const page = readFileSync(
    path.join(import.meta.dirname, '../../deploy/debian/floxy-switch.8'),
    'utf8',
  );
  write(
    tree,
    'usr/share/man/man8/floxy-switch.8.gz',
    gzip(Buffer.from(page.replaceAll('@VERSION@', version))),
  );
}

function gzip(content: Buffer): Buffer {
  return gzipSync(content, { level: 9 });
}

function write(tree: string, name: string, content: Buffer): void {
  const file = path.join(tree, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
}
