/** Records what is being built in dist/build-info.json, for GetBuildInfo. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);

/** FLOXY_COMMIT serves builds without a checkout, such as that of the container image. */
function readCommit(): string {
  const given = process.env['FLOXY_COMMIT'];
  if (given !== undefined && given !== '') return given;
  try {
    const command = ['rev-parse', 'HEAD'];
    return execFileSync('git', command, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}

const record = { commit: readCommit(), buildTime: new Date().toISOString() };
mkdirSync(new URL('dist/', root), { recursive: true });
writeFileSync(new URL('dist/build-info.json', root), `${JSON.stringify(record, null, 2)}\n`);
