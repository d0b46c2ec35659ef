import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { COLLECTOR_HOST_V4, Lab, PROXY_COLLECTOR_SIDE_V4, PROXY_V4 } from '../lab/lab.ts';
import { ip, setKernelSwitches } from '../lab/namespaces.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy, Service, type ServiceOptions } from '../lab/service.ts';
import { attempt, endProcess, HANG_MS, type Outcome, run, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

/** One finding, as `floxy doctor -o json` prints it. */
interface Finding {
  readonly check: string;
  readonly level: string;
  readonly what: string;
  readonly advice?: string;
}

/** The clock, the API and the network cards are those of the machine, not of the lab. */
const NOT_OF_THE_LAB = ['--skip', 'time', 'api'];

function call(lab: Lab, args: readonly string[]): Promise<Outcome> {
  return attempt(['ip', 'netns', 'exec', lab.proxy, floxy, 'doctor', ...args]);
}

async function examine(lab: Lab, args: readonly string[] = []): Promise<Finding[]> {
  const { stdout, stderr, status } = await call(lab, [...args, '-o', 'json', ...NOT_OF_THE_LAB]);
  assert.ok(stdout.startsWith('['), stderr);
  const found = JSON.parse(stdout) as Finding[];
  assert.equal(status, found.some(isProblem) ? 1 : 0);
  return found;
}

function isProblem({ level }: Finding): boolean {
  return level === 'WARN' || level === 'FAIL';
}

/** Nothing but this was found. */
function assertOnly(found: readonly Finding[], check: string, level: string, what: RegExp): void {
  const problems = found.filter(isProblem);
  assert.deepEqual(
    problems.map((finding) => [finding.check, finding.level]),
    [[check, level]],
    JSON.stringify(problems, undefined, 1),
  );
  assert.match(problems[0]?.what ?? '', what);
  assert.ok((problems[0]?.advice?.length ?? 0) > 10);
}

const ONE_RULE = {
  rules: [
    {
      exporter: { endpoint: { host: '203.0.113.1' } },
      outputs: [{ collectors: [{ endpoint: { host: COLLECTOR_HOST_V4, port: 2001 } }] }],
    },
  ],
};

/** A rule whose only collector is this. */
function ruleFor(host: string, port = 2001) {
  const collectors = [{ endpoint: { host, port } }];
  return {
    rules: [{ exporter: { endpoint: { host: '203.0.113.1' } }, outputs: [{ collectors }] }],
  };
}

async function startWith(rules: object, options: ServiceOptions = {}) {
  await using resources = new AsyncDisposableStack();
  const lab = resources.use(await Lab.create());
  const service = resources.use(await Service.start(lab, options));
  await run(
    ['ip', 'netns', 'exec', lab.proxy, floxy, 'rules', 'replace', '--format', 'json'],
    JSON.stringify(rules),
  );
  const owned = resources.move();
  return { lab, service, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe('floxy doctor', { skip: requireRoot() }, () => {
  test('finds nothing wrong where nothing is', async () => {
    await using started = await startWith(ONE_RULE);
    const found = await examine(started.lab);
    assert.deepEqual(
      found.filter(({ level }) => level !== 'OK'),
      [],
    );
    const { stdout, status } = await call(started.lab, NOT_OF_THE_LAB);
    assert.equal(status, 0);
    assert.match(stdout, /^OK {4}collectors: 1 collector of the rules in force: routes/m);
    assert.match(stdout, /^OK {4}port: UDP \[::\]:2055 \(flow\) is the service's$/m);
    assert.match(stdout, /\nnothing wrong was found\n$/);
  });

  test('a collector without a route, with a dead neighbour, behind a small MTU, and itself', async () => {
    await using started = await startWith({
      rules: [],
      defaultOutputs: ['192.88.99.9', '198.18.2.99', '198.51.100.7', '198.51.100.8'].map(
        (host) => ({
          collectors: [{ endpoint: { host, port: 2001 } }],
        }),
      ),
    });
    const { lab } = started;
    await ip(lab.proxy, [
      'neigh replace 198.18.2.99 dev col nud failed',
      `route add 198.51.100.8/32 via ${COLLECTOR_HOST_V4} mtu 1400`,
    ]);
    const found = (await examine(lab)).filter(isProblem);
    assert.deepEqual(
      found.map(({ check, level, what }) => `${level} ${check}: ${what}`),
      [
        'FAIL collectors: 192.88.99.9:2001: no route (ENETUNREACH)',
        'FAIL collectors: 198.18.2.99:2001: it does not answer (no ARP answer on col): copies are dropped',
        'WARN collectors: 198.51.100.8:2001: MTU 1400 on the way (col): what exporters fill to 1500 bytes leaves as fragments',
      ],
    );
  });

  test('a collector that is a proxy and sends here', async () => {
    await using started = await startWith(ruleFor(COLLECTOR_HOST_V4, 2055));
    const { lab } = started;
    await using other = await Service.start(lab, {
      namespace: lab.collectors,
      settings: {
        COLLECTOR_API_ADDRESS: '[::]:8853',
        COLLECTOR_API_PLAINTEXT_BEYOND_LOOPBACK: 'allow',
      },
    });
    const send = (port: number) =>
      other.api.replace({
        rules: [],
        defaultOutputs: [[{ host: PROXY_COLLECTOR_SIDE_V4, port }]],
      });
    await send(9995);
    const [fine] = (await examine(lab)).filter(({ check }) => check === 'loops');
    assert.equal(
      fine?.what,
      'none is known: 1 host of collectors asked, of which 1 told rules, and none sends here',
    );
    await send(2055);
    const circle = /^collector 198\.18\.2\.2 is a proxy that sends here \(198\.18\.2\.1:2055\)/;
    assertOnly(await examine(lab), 'loops', 'FAIL', circle);
  });

  test('a dead gateway, and links without carrier, name the collectors behind them', async () => {
    await using started = await startWith(ruleFor('198.51.100.7'));
    const { lab } = started;
    await ip(lab.proxy, [`neigh replace ${COLLECTOR_HOST_V4} dev col nud failed`]);
    const gateway = /198\.51\.100\.7:2001: its gateway 198\.18\.2\.2 does not answer/;
    assertOnly(await examine(lab), 'collectors', 'FAIL', gateway);
    await ip(lab.collectors, ['link set prx down']);
    const found = (await examine(lab)).filter(isProblem).map(({ what }) => what);
    assert.ok(
      found.includes('198.51.100.7:2001: they leave by col, which has no carrier'),
      `${found}`,
    );
  });

  test('a collector of this host on which nobody listens, and rules of a file that would circle', async () => {
    await using started = await startWith(ruleFor('127.0.0.1', 9995));
    assertOnly(
      await examine(started.lab),
      'collectors',
      'WARN',
      /127\.0\.0\.1:9995: .* no program listens/,
    );
    const file = `${started.service.folder}/rules.json`;
    await run(['tee', file], JSON.stringify(ruleFor(PROXY_V4, 2055)));
    assertOnly(
      await examine(started.lab, [file]),
      'collectors',
      'FAIL',
      /198\.18\.1\.1:2055: this is the proxy itself/,
    );
    await run(['tee', file], '{"rules": [{}]}');
    const { status, stderr } = await call(started.lab, [file]);
    assert.equal(status, 2);
    assert.match(stderr, /rules\.json:1:\d+: /);
  });

  test('a reverse path filter that drops flow, and copies to this host', async () => {
    // In the kernel, packets are handled before it sees them.
    await using stage = await Stage.start({ settings: { COLLECTOR_FLOXY_ENGINE: 'socket' } });
    const { lab } = stage;
    await stage.api.replace({
      rules: [],
      defaultOutputs: [[{ host: COLLECTOR_HOST_V4, port: 2001 }]],
    });
    await setKernelSwitches(lab.proxy, ['net.ipv4.conf.exp.rp_filter=1']);
    assert.deepEqual((await examine(lab)).filter(isProblem), []);
    const from = { host: '203.0.113.1', port: 5000 };
    const examined = examine(lab);
    let isDone = false;
    const watched = examined.finally(() => {
      isDone = true;
    });
    await waitFor('it was looked at', async () => {
      await stage.exporters.send([
        { from, to: { host: PROXY_V4, port: 2055 }, payload: Buffer.from('x') },
      ]);
      return isDone;
    });
    assertOnly(
      await watched,
      'rp-filter',
      'FAIL',
      /dropped while this looked, of whomever \(rp_filter is 1 on exp\)/,
    );
  });

  test('exporters of rules to which no route leads back, before anything is lost', async () => {
    await using started = await startWith(ONE_RULE);
    await setKernelSwitches(started.lab.proxy, ['net.ipv4.conf.exp.rp_filter=2']);
    const what = /no route back to 1 exporter \(203\.0\.113\.1\): rp_filter is 2 on exp/;
    assertOnly(await examine(started.lab), 'rp-filter', 'FAIL', what);
    await ip(started.lab.proxy, ['route add 203.0.113.0/24 via 198.18.1.2']);
    assert.deepEqual((await examine(started.lab)).filter(isProblem), []);
  });

  test('filters that drop flow, test datagrams and copies, and none that let them pass', async () => {
    await using started = await startWith(ONE_RULE);
    const { lab } = started;
    const load = (rules: string) =>
      run(['ip', 'netns', 'exec', lab.proxy, 'nft', '-f', '-'], `flush ruleset\n${rules}`);
    const input = (policy: string, rules: string) =>
      load(
        `table inet t { chain in { type filter hook input priority 0; policy ${policy};\n${rules}\n }\n}`,
      );
    const output = (rules: string) =>
      load(`table inet t { chain out { type filter hook output priority 0;\n${rules}\n }\n}`);

    await input('drop', 'iif lo accept\nct state established,related accept\ntcp dport 22 accept');
    assertOnly(
      await examine(lab),
      'firewall',
      'FAIL',
      /^flow of 203\.0\.113\.1 is dropped by policy of inet t in$/,
    );
    await input('drop', 'iif lo accept\nip saddr 203.0.113.0/24 udp dport { 2055, 2056 } accept');
    assert.deepEqual((await examine(lab)).filter(isProblem), []);
    await input('accept', 'iif lo udp dport 2055 counter drop');
    const [probe] = (await examine(lab)).filter(({ check }) => check === 'firewall');
    assert.match(
      probe?.what ?? '',
      /^the service's test datagrams are dropped by rule inet t in handle \d+/,
    );
    await output(`ip daddr ${COLLECTOR_HOST_V4} udp dport 2000-2010 counter reject`);
    const [copies] = (await examine(lab)).filter(({ check }) => check === 'firewall');
    assert.equal(copies?.level, 'FAIL');
    assert.match(
      copies?.what ?? '',
      /^copies to 198\.18\.2\.2:2001 are dropped by rule inet t out handle \d+ \(0 packets so far\)$/,
    );
    await output('oifname "docker0" drop\nudp dport 53 drop');
    assert.deepEqual(
      (await examine(lab)).filter(({ check }) => check === 'firewall').map(({ level }) => level),
      ['OK'],
    );
  });

  test('rules that give copies, or flow, other addresses', async () => {
    await using started = await startWith(ONE_RULE);
    const { lab } = started;
    const load = (chain: string) =>
      run(
        ['ip', 'netns', 'exec', lab.proxy, 'nft', '-f', '-'],
        `flush ruleset\ntable ip t {\n${chain}\n}`,
      );
    await load(
      'chain p { type nat hook postrouting priority 100;\n ip saddr 172.17.0.0/16 masquerade\n }',
    );
    assert.deepEqual((await examine(lab)).filter(isProblem), []);
    await load('chain p { type nat hook postrouting priority 100;\n oifname "col" masquerade\n }');
    assertOnly(
      await examine(lab),
      'nat',
      'FAIL',
      /copies get another source address by rule ip t p handle/,
    );
    await load(
      'chain d { type nat hook prerouting priority -100;\n udp dport 2055 dnat to 172.17.0.2\n }',
    );
    assertOnly(await examine(lab), 'nat', 'WARN', /sends what comes to port 2055 elsewhere/);
  });

  test('a port that another program has, and a service that is not there', async () => {
    await using lab = await Lab.create();
    const script = `import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 2055))
print("bound", flush=True)
time.sleep(1000)`;
    const child = spawn('ip', ['netns', 'exec', lab.proxy, 'python3', '-c', script]);
    try {
      let isBound = false;
      child.stdout.once('data', () => {
        isBound = true;
      });
      await waitFor('the port is taken', () => isBound);
      const env = ['env', 'COLLECTOR_FLOXY_ADDRESS=[::]:2055'];
      const command = ['ip', 'netns', 'exec', lab.proxy, ...env, floxy, 'doctor'];
      const { stdout, status } = await attempt(command);
      assert.equal(status, 1);
      assert.match(stdout, /^FAIL {2}service: no service answers: .*ECONNREFUSED/m);
      assert.match(
        stdout,
        new RegExp(`^FAIL  port: .* is taken by python3\\S* \\(pid ${child.pid}\\)  → `, 'm'),
      );
      assert.match(stdout, /^SKIP {2}collectors: /m);
    } finally {
      await endProcess(child, 'SIGKILL', HANG_MS);
    }
  });

  test('small receive buffers, and the program of a more special address', async () => {
    await using lab = await Lab.create();
    const prefix = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
    await using service = await Service.start(lab, { prefix });
    const found = await examine(lab);
    assertOnly(found, 'buffers', 'WARN', /receive buffers have \d+ instead of 33554432 bytes/);
    await service.stop();
  });

  test('who may not look is told so, and a service that does not answer is waited for shortly', async () => {
    await using started = await startWith(ONE_RULE);
    const { lab, service } = started;
    const command = [
      'setpriv',
      '--reuid',
      '65534',
      '--clear-groups',
      floxy,
      'doctor',
      ...NOT_OF_THE_LAB,
    ];
    const seen = await attempt(['ip', 'netns', 'exec', lab.proxy, ...command]);
    assert.match(seen.stdout, /^SKIP {2}firewall: its rules cannot be seen: /m, seen.stderr);
    assert.match(seen.stdout, /^OK {4}collectors: 1 collector /m);
    process.kill(service.pid, 'SIGSTOP');
    try {
      const { stdout, status } = await call(lab, NOT_OF_THE_LAB);
      assert.equal(status, 1);
      assert.match(stdout, /^FAIL {2}service: no service answers: .* did not answer within 5 s/m);
    } finally {
      process.kill(service.pid, 'SIGCONT');
    }
  });

  test('says what copies that leave as frames pass by', async () => {
    await using started = await startWith(ONE_RULE);
    const { lab } = started;
    const looked = async () =>
      (await examine(lab)).filter(({ check }) => check === 'frames').map(({ what }) => what);
    assert.match((await looked())[0] ?? '', /^copies may leave as frames/);
    const nft = (words: string) => lab.run(lab.proxy, ['nft', words]);
    await nft('add table inet f; add chain inet f o { type filter hook output priority 0; }');
    assert.match((await looked())[0] ?? '', /^copies may leave as frames/, 'a chain without rules');
    await nft('add rule inet f o udp dport 9 accept');
    const found = (await examine(lab)).find(({ check }) => check === 'frames');
    assert.equal(
      found?.what,
      'copies leave through raw sockets: nftables has an output chain (inet f o)',
    );
    assert.match(found?.advice ?? '', /COLLECTOR_FLOXY_SENDER=link/);
  });

  test('warns where frames are forced past a firewall', async () => {
    const settings = { COLLECTOR_FLOXY_SENDER: 'link' };
    await using started = await startWith(ONE_RULE, { settings });
    const { lab } = started;
    await ip(lab.proxy, ['rule add from 192.0.2.1 lookup 77 priority 100']);
    assertOnly(await examine(lab), 'frames', 'WARN', /past this: .*ip rule: priority 100/);
  });
});
