import { spawnSync } from 'node:child_process';

let reason: string | undefined;

/**
 * For tests that make mounts or network namespaces: `test(name, { skip: requireRoot() }, …)`.
 *
 * @returns false when they can run, else the reason for skipping them
 * @throws Error when they cannot run and FLOXY_REQUIRE_ROOT_TESTS=1 forbids skipping
 */
export function requireRoot(): string | false {
  reason ??= findObstacle();
  if (reason === '') return false;
  if (process.env['FLOXY_REQUIRE_ROOT_TESTS'] === '1') {
    throw new Error(`FLOXY_REQUIRE_ROOT_TESTS=1 forbids skipping, but this test ${reason}`);
  }
  return reason;
}

function findObstacle(): string {
  if (process.geteuid?.() !== 0) return 'needs root: run the tests as root';
  const attempt = spawnSync('unshare', ['--mount', '--net', 'true'], { encoding: 'utf8' });
  if (attempt.status === 0) return '';
  const why = attempt.error?.message ?? attempt.stderr.trim();
  return `needs to make namespaces (unshare of util-linux, CAP_SYS_ADMIN): ${why}`;
}
