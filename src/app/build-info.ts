import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildInfo } from '../model/status.ts';
import { packageRoot } from '../package-root.ts';

/** What scripts/build-info.ts leaves in dist/. */
interface BuildRecord {
  readonly commit: string;
  readonly buildTime: string;
}

/** What is running: from package.json and from the record of the build. */
export function readBuildInfo(): BuildInfo {
  const { version } = readJson('package.json') as { version: string };
  const { commit, buildTime } = readBuildRecord();
  const platform = `${process.platform}-${process.arch}`;
  return { version, commit, buildTime, nodeVersion: process.version, platform, pid: process.pid };
}

/** Sources that run without a build have no record. */
function readBuildRecord(): BuildRecord {
  try {
    return readJson('dist/build-info.json') as BuildRecord;
  } catch {
    return { commit: 'unknown', buildTime: 'unknown' };
  }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(packageRoot, path), 'utf8'));
}
