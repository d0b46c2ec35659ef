/** Who may do what with a real service, as other users of its host, by programs that share no code with it and by ours. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { addToken } from '../../src/access/token-file.ts';
import type { Role } from '../../src/model/caller.ts';
import { packageRoot } from '../../src/package-root.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy, type Settings } from '../lab/service.ts';
import { attempt, type Outcome } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

const CLIENT = path.join(packageRoot, 'test/api/client.py');
const TCP = '127.0.0.1:8853';
const EXPORTER = { host: '192.0.2.1' };
const RULES = { rules: [{ exporter: EXPORTER, outputs: [[{ host: '198.51.100.1', port: 9 }]] }] };
const UPDATE =
  'rules {exporter {endpoint {host: "192.0.2.2"}} outputs {collectors {endpoint {host: "198.51.100.6"}}}}';

/** Calls that change something, with a request that would. */
const CHANGES = [
  ['Settings/UpdateProxyRules', UPDATE],
  ['Settings/ReplaceProxyRules', UPDATE],
  ['Settings/DeleteProxyRules', 'exporters {endpoint {host: "192.0.2.1"}}'],
  ['Settings/Drain', ''],
  ['Pipelines/ReplacePipelines', 'document: "pipelines: []"'],
  ['History/RollbackRules', 'revision: 1'],
] as const;

/** Calls that tell something. */
const LOOKS = ['Settings/ListProxyRules', 'Settings/GetSystemStatus', 'History/ListRevisions'];

/** No user of this host. It may read this checkout, wherever that is, and has no other right. */
const STRANGER = [
  'setpriv',
  ...['--reuid=4711', '--regid=4711', '--clear-groups'],
  ...['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'],
];

interface Caller {
  readonly isStranger?: boolean;
  readonly token?: string | undefined;
}

/** A service whose callers have roles, with a token of each. */
class AccessStage implements AsyncDisposable {
  readonly stage: Stage;
  readonly #folder: string;
  readonly tokens: Readonly<Record<Role, string>>;

  private constructor(stage: Stage, folder: string, tokens: Record<Role, string>) {
    this.stage = stage;
    this.#folder = folder;
    this.tokens = tokens;
  }

  static async start(settings: Settings = {}): Promise<AccessStage> {
    const folder = mkdtempSync(path.join(tmpdir(), `flx-${process.pid}-access-`));
    chmodSync(folder, 0o755);
    const file = path.join(folder, 'tokens.json');
    const make = (role: Role) => addToken(file, { name: `may-${role}`, role, expires: undefined });
    const tokens = { viewer: make('viewer'), editor: make('editor'), admin: make('admin') };
    const stage = await Stage.start({
      settings: {
        COLLECTOR_API_ACCESS: 'roles',
        COLLECTOR_API_TOKENS_FILE: file,
        COLLECTOR_API_SOCKET: path.join(folder, 'api.sock'),
        ...settings,
      },
    });
    await stage.api.replace({ ...RULES, defaultOutputs: [] });
    return new AccessStage(stage, folder, tokens);
  }

  get socket(): string {
    return path.join(this.#folder, 'api.sock');
  }

  /** By the client in Python. @param method Service/Method */
  call(address: string, method: string, request: string, { isStranger, token }: Caller = {}) {
    const headers = token === undefined ? [] : ['--header', `authorization=Bearer ${token}`];
    const client = ['/usr/bin/python3', CLIENT, ...headers, address, `collector.proto.${method}`];
    return this.#run([...(isStranger ? STRANGER : []), ...client], request);
  }

  /** Our command, as the stranger. */
  command(args: readonly string[], { token }: Caller = {}, access: readonly string[] = []) {
    const variables = [`COLLECTOR_API_SOCKET=${this.socket}`, `FLOXY_TOKEN=${token ?? ''}`];
    return this.#run([...STRANGER, 'env', ...variables, floxy, ...access, ...args]);
  }

  async revision(): Promise<string> {
    const { stdout } = await this.call(TCP, 'History/ListRevisions', '');
    return stdout;
  }

  async rejected(): Promise<Readonly<Record<string, string>>> {
    const { stdout } = await this.call(TCP, 'Settings/GetSystemStatus', '');
    const causes = stdout.matchAll(/key: "(\w+)"\s+value: (\d+)/g);
    return Object.fromEntries([...causes].map(([, cause = '', count = '']) => [cause, count]));
  }

  #run(command: readonly string[], input = ''): Promise<Outcome> {
    return attempt(['ip', 'netns', 'exec', this.stage.lab.proxy, ...command], input);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

describe('users of the host of a service', { skip: requireRoot() }, () => {
  test('A20 A21 A23: others may look and change nothing, root may do all, by TCP and the socket', async () => {
    await using subject = await AccessStage.start();
    const addresses = [TCP, `unix:${subject.socket}`];
    const before = await subject.revision();
    let refused = 0;
    for (const address of addresses) {
      for (const method of LOOKS) {
        const { status, stderr } = await subject.call(address, method, '', { isStranger: true });
        assert.equal(status, 0, `${method} at ${address}: ${stderr}`);
      }
      for (const [method, request] of CHANGES) {
        const { status, stderr } = await subject.call(address, method, request, {
          isStranger: true,
        });
        assert.equal(status, 7, `${method} at ${address}: ${stderr}`);
        assert.match(
          stderr,
          /^PERMISSION_DENIED: \w+ needs the role editor, and uid 4711 has viewer$/m,
        );
        refused++;
      }
    }
    assert.equal(await subject.revision(), before);
    assert.equal((await subject.stage.api.rules()).rules.length, 1);
    assert.deepEqual(await subject.rejected(), { role: String(refused) });
    for (const address of addresses) {
      const { status, stderr } = await subject.call(address, 'Settings/UpdateProxyRules', UPDATE);
      assert.equal(status, 0, stderr);
    }
    assert.match(await subject.revision(), /author: "root \(uid 0\)"/);
  });

  test('A22: a token says who they are; what it may not is refused, and so is one that is not known', async () => {
    await using subject = await AccessStage.start();
    const update = (token: string, address = TCP) =>
      subject.call(address, 'Settings/UpdateProxyRules', UPDATE, { isStranger: true, token });
    const { viewer, editor } = subject.tokens;
    assert.equal((await update(viewer)).status, 7);
    assert.equal((await update(`${editor.slice(0, -1)}x`)).status, 16);
    assert.equal((await update(editor, `unix:${subject.socket}`)).status, 0);
    assert.match(await subject.revision(), /author: "token:may-editor"/);
    assert.deepEqual(await subject.rejected(), { role: '1', credentials: '1' });
    const { log } = subject.stage.service;
    for (const token of Object.values(subject.tokens)) {
      assert.ok(!log.includes(token.slice(6, 20)), 'the log has a token');
    }
  });

  test('A20: where a setting says so they may nothing at all, but ask for health', async () => {
    await using subject = await AccessStage.start({ COLLECTOR_API_LOCAL_USERS: 'nothing' });
    for (const address of [TCP, `unix:${subject.socket}`]) {
      for (const method of LOOKS) {
        const { status, stderr } = await subject.call(address, method, '', { isStranger: true });
        assert.equal(status, 16, method);
        assert.match(stderr, /UNAUTHENTICATED: .* needs the role viewer, and uid 4711 has none/);
      }
    }
    const listed = await subject.command(['rules', 'list']);
    assert.equal(listed.status, 1);
    assert.match(listed.stderr, /This command does with --token-file FILE or FLOXY_TOKEN$/m);
    assert.equal((await subject.command(['health'])).status, 0);
    const { viewer } = subject.tokens;
    assert.equal((await subject.command(['rules', 'list'], { token: viewer })).status, 0);
  });

  test('A20 A22: the command tells another user what is missing and what to do', async () => {
    await using subject = await AccessStage.start();
    const set = ['rules', 'set', '192.0.2.9', '198.51.100.9'];
    const denied = [
      [set, 'UpdateProxyRules needs the role editor'],
      [[...set, '--dry-run'], 'UpdateProxyRules needs the role editor'],
      [['drain'], 'Drain needs the role editor'],
      [['capture', '192.0.2.1', '-c', '1'], 'CapturePackets needs the role admin'],
      [['backup', '/tmp/never-written.floxy'], 'Backup needs the role admin'],
    ] as const;
    const advice =
      '. On the host of the service root may; others send a token with --token-file FILE or FLOXY_TOKEN';
    for (const access of [[], ['--api', TCP]]) {
      for (const [args, why] of denied) {
        const { status, stdout, stderr } = await subject.command(args, {}, access);
        const message = `floxy: PERMISSION_DENIED: ${why}, and uid 4711 has viewer${advice}\n`;
        assert.deepEqual({ status, stdout, stderr }, { status: 1, stdout: '', stderr: message });
      }
      for (const args of [['status'], ['rules', 'list'], ['stats'], ['rules', 'history']]) {
        const { status, stderr } = await subject.command(args, {}, access);
        assert.deepEqual([status, stderr], [0, ''], args.join(' '));
      }
    }
    const { viewer, editor } = subject.tokens;
    const weak = await subject.command(set, { token: viewer });
    assert.match(weak.stderr, /token:may-viewer has viewer\. Use a token that may\n$/);
    const unknown = await subject.command(set, { token: `floxy_${'A'.repeat(43)}` });
    assert.match(unknown.stderr, /^floxy: UNAUTHENTICATED: .*`floxy tokens list` there says which/);
    assert.equal((await subject.command(set, { token: editor })).status, 0);
    assert.equal((await subject.stage.api.rules()).rules.length, 2);
  });
});
