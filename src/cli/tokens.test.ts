import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAccessLab } from '../../test/api/access-lab.ts';
import { OPEN_ACCESS, startApi } from '../../test/api/harness.ts';
import { runFloxy } from '../../test/cli/fake-terminal.ts';

function makeFile(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-tokens-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'tokens.json');
}

test('A22: tokens are made, listed and removed; they work in commands, by a file or a variable', async (t) => {
  const file = makeFile(t);
  const env = { COLLECTOR_API_TOKENS_FILE: file };
  await using api = await startApi({
    access: { ...OPEN_ACCESS, hasRoles: true, tokensPath: file },
  });
  const made = await runFloxy(['tokens', 'add', 'ci', '--role', 'viewer', '--expires', '90d'], {
    env,
  });
  assert.match(made.output, /^floxy_[\w-]{43}\n$/);
  assert.match(made.errors, /^token ci \(viewer, expires \d{4}-.*shown this once\n$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const list = await runFloxy(['tokens', 'list'], { env });
  assert.match(
    list.output,
    /^NAME +ROLE +CREATED +EXPIRES\nci +viewer +\d{4}-\S+ \S+ +\d{4}-\S+ \S+\n$/,
  );
  assert.doesNotMatch((await runFloxy(['tokens', 'list', '-o', 'json'], { env })).output, /sha256/);

  const tokenFile = `${file}.token`;
  writeFileSync(tokenFile, made.output);
  const looks = ['--api', api.address, '--token-file', tokenFile, 'rules', 'list'];
  assert.equal((await runFloxy(looks)).exitCode, 0);
  const changes = ['--api', api.address, 'drain', '--cancel'];
  const refused = await runFloxy(changes, { env: { FLOXY_TOKEN: made.output.trim() } });
  assert.equal(refused.exitCode, 1);
  assert.match(
    refused.errors,
    /PERMISSION_DENIED: Drain needs the role editor, and token:ci has viewer/,
  );

  assert.equal((await runFloxy(['tokens', 'remove', 'ci'], { env })).exitCode, 0);
  const gone = await runFloxy(looks);
  assert.equal(gone.exitCode, 1);
  assert.match(gone.errors, /UNAUTHENTICATED: the token is not known here/);
});

test('A22: what is wrong with tokens is said, and changes nothing', async (t) => {
  const file = makeFile(t);
  const env = { COLLECTOR_API_TOKENS_FILE: file };
  const run = (...args: string[]) => runFloxy(['tokens', ...args], { env });
  await run('add', 'ci', '--role', 'viewer');
  const before = readFileSync(file, 'utf8');
  const wrong: [string[], number, RegExp][] = [
    [['add', 'ci', '--role', 'admin'], 1, /there is a token ci already/],
    [['add', 'a b', '--role', 'admin'], 2, /Names have/],
    [['add', 'x'], 2, /--role/],
    [['add', 'x', '--role', 'root'], 2, /viewer, editor, admin/],
    [['add', 'x', '--role', 'admin', '--expires', '2001-01-01'], 2, /a date to come/],
    [['add', 'x', '--role', 'admin', '--expires', 'soon'], 2, /a date to come/],
    [['remove', 'nobody'], 1, /has no token nobody; there are: ci/],
  ];
  for (const [args, exitCode, message] of wrong) {
    const found = await run(...args);
    assert.equal(found.exitCode, exitCode, args.join(' '));
    assert.match(found.errors, message);
  }
  assert.equal(readFileSync(file, 'utf8'), before);
  assert.match((await runFloxy(['tokens', 'list'])).errors, /COLLECTOR_API_TOKENS_FILE/);
  writeFileSync(`${file}.new`, '');
  assert.match((await run('add', 'x', '--role', 'admin')).errors, /somebody else is writing/);
  rmSync(`${file}.new`);
  writeFileSync(file, '{"tokens": 5}');
  assert.match(
    (await run('add', 'x', '--role', 'admin')).errors,
    /tokens\.json: .*expected array/i,
  );
  assert.equal(readFileSync(file, 'utf8'), '{"tokens": 5}');
});

test('A24: a token is not sent over a network without TLS, unless a setting says so', async () => {
  const list = ['--timeout', '0.1', '--api', '192.0.2.1:8853', 'rules', 'list'];
  const env = { FLOXY_TOKEN: 'x' };
  const refused = await runFloxy(list, { env });
  assert.equal(refused.exitCode, 2);
  assert.match(refused.errors, /for everybody on the way to read/);
  const allowed = { ...env, COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow' };
  assert.equal((await runFloxy(list, { env: allowed })).exitCode, 3);
  const none = await runFloxy(['--token-file', '/nonexistent', 'rules', 'list']);
  assert.equal(none.exitCode, 2);
  assert.match(none.errors, /the token cannot be read: ENOENT/);
});

test('A21: commands take the unix socket of the service on this host', async () => {
  await using lab = await startAccessLab();
  const { socketPath } = lab;
  const folder = path.dirname(socketPath);
  const found = [
    { COLLECTOR_API_SOCKET: socketPath },
    { COLLECTOR_FLOXY_RUNTIME_DIRECTORY: folder },
    { COLLECTOR_DATABASE_PATH: path.join(folder, 'collector.db') },
  ];
  for (const env of found) {
    lab.api.logged.length = 0;
    assert.equal((await runFloxy(['drain', '--cancel'], { env })).exitCode, 0);
    const line = lab.api.logged.find(({ call }) => call === 'Drain');
    assert.match(String(line?.['from']), /^unix, pid /, JSON.stringify(env));
  }
  const port = String(lab.api.server.boundPort);
  const byAddress = { ...found[1], COLLECTOR_BACKEND_METRICS_PORT: port };
  assert.equal((await runFloxy(['drain', '--cancel'], { env: byAddress })).exitCode, 0);
  assert.match(String(lab.api.logged.at(-1)?.['from']), /^127\.0\.0\.1:/);
  const gone = { COLLECTOR_API_SOCKET: path.join(folder, 'none') };
  const failed = await runFloxy(['drain', '--cancel'], { env: gone });
  assert.equal(failed.exitCode, 3);
  assert.match(failed.errors, /unix:.*none: .*ENOENT/);
});
