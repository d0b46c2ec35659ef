/**
 * npm run package [-- --revision 2] [-- --output dist-packages] [-- --quick]: builds the Debian package from what is built
 * and installed in this checkout (npm ci && npm run build). Needs dpkg-deb.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describePackage, type PackageFacts } from './control.ts';
import { stage } from './stage.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Debian's names of processors by Node's. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

const { values } = parseArgs({
  options: {
    /** Of the package, beside the version of floxy: each build that is installed somewhere has its own. */
    revision: { type: 'string', default: '1' },
    output: { type: 'string', default: path.join(root, 'build') },
    /** Hardly compressed, for trials. */
    quick: { type: 'boolean', default: false },
  },
});

function readFacts(): PackageFacts {
  const { version, description } = JSON.parse(
    readFileSync(path.join(root, 'package.json'), 'utf8'),
  ) as { version: string; description: string };
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new Error(`no package is made for ${process.arch}`);
  if (!/^[0-9A-Za-z.+~]+$/.test(values.revision)) throw new Error('--revision: letters and digits');
  return { version: `${version}-${values.revision}`, architecture, description };
}

const facts = readFacts();
const folder = mkdtempSync(path.join(tmpdir(), 'floxy-package-'));
try {
  const tree = path.join(folder, 'tree');
  stage(root, tree, facts.version);
  describePackage(root, tree, facts);
  const file = path.join(values.output, `floxy_${facts.version}_${facts.architecture}.deb`);
  mkdirSync(values.output, { recursive: true });
  const compression = values.quick ? ['-Zgzip', '-z1'] : ['-Zxz'];
  const command = ['--root-owner-group', ...compression, '--build', tree, file];
  const { status } = spawnSync('dpkg-deb', command, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('dpkg-deb failed, or is not there');
  process.stdout.write(`${path.relative(process.cwd(), file)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
