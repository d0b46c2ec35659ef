/** Each check against a real network: a namespace of its own with loopback, a link whose other end answers nothing, and routes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { requireRoot } from '../../../test/lab/require-root.ts';
import type { Outcome } from './check.ts';

const NODE = fileURLToPath(new URL('../../../bin/floxy-node', import.meta.url));

const NETWORK = `
  ip link set lo up
  ip link add near type veth peer name far
  ip link set near up; ip link set far up
  ip addr add 198.51.100.1/24 dev near
  ip route add blackhole 192.0.2.0/25
  ip route add unreachable 192.0.2.128/25`;

const PROGRAM = `
  import { createServer as createHttp } from 'node:http';
  import { createServer as createTcp } from 'node:net';
  import { createSocket } from 'node:dgram';
  import { once } from 'node:events';
  const { makeChecks } = await import(MODULES.checks);
  const { makeEndpoint } = await import(MODULES.endpoint);
  const { parseAddress } = await import(MODULES.address);
  const checks = makeChecks();
  const ask = (check, host, port = 0, url, timeoutMs = 400) =>
    checks[check].ask({ endpoint: makeEndpoint(parseAddress(host), port), url, timeoutMs });
  const seen = {};`;

/** Runs a program that fills \`seen\`. @param prefix words before the interpreter */
function see(script: string, prefix: readonly string[] = []): Record<string, Outcome> {
  const modules = {
    checks: new URL('./checks.ts', import.meta.url).href,
    endpoint: new URL('../../model/endpoint.ts', import.meta.url).href,
    address: new URL('../../model/address.ts', import.meta.url).href,
    privileges: new URL('../../native/privileges.ts', import.meta.url).href,
    rawSocket: new URL('./raw-socket.ts', import.meta.url).href,
  };
  const program = `const MODULES = ${JSON.stringify(modules)};
    ${PROGRAM}
    ${script}
    console.log(JSON.stringify(seen));
    process.exit(0);`;
  const shell = `set -e\n${NETWORK}\nexec ${prefix.join(' ')} "$0" --input-type=module-typescript -e "$1"`;
  const result = spawnSync('unshare', ['--net', 'sh', '-c', shell, NODE, program], {
    encoding: 'utf8',
  });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

const GOOD = { kind: 'good' };
const failed = (cause: string) => ({ kind: 'failed', cause });
const options = { skip: requireRoot() };

test('H1: ICMP is good when the address that was asked answers', options, () => {
  const seen = see(`
    const hosts = ['127.0.0.1', '127.9.8.7', '::1', '198.51.100.9', '192.0.2.1', '192.0.2.200'];
    for (const host of hosts) seen[host] = await ask('ICMP', host);
    seen.many = (await Promise.all(
      Array.from({ length: 2000 }, (_, i) => ask('ICMP', '127.1.' + (i >> 8) + '.' + (i & 255))),
    )).filter(({ kind }) => kind === 'good').length;`);
  assert.deepEqual(seen, {
    '127.0.0.1': GOOD,
    '127.9.8.7': GOOD,
    '::1': GOOD,
    '198.51.100.9': failed('no answer within 0.4 s'),
    // The kernel says of a blackhole that its routes are wrong (fib_props in net/ipv4/fib_semantics.c).
    '192.0.2.1': { kind: 'impossible', cause: 'Invalid argument' },
    '192.0.2.200': failed('No route to host'),
    many: 2000,
  });
});

test(
  'H1: what was answered in time counts, though this process was busy until later',
  options,
  () => {
    const { late } = see(`
    const asked = ask('ICMP', '127.0.0.1', 0, undefined, 100);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const endMs = performance.now() + 500;
    while (performance.now() < endMs);
    seen.late = await asked;`);
    assert.deepEqual(late, GOOD);
  },
);

test('H1: answers that somebody made up do not count', options, () => {
  const { forged } = see(`
    const { openEchoSocket, writeIcmpChecksum } = await import(MODULES.rawSocket);
    const liar = openEchoSocket(4);
    const answer = Buffer.alloc(24);
    const send = () => new Promise((resolve) => {
      writeIcmpChecksum(answer.fill(0, 2, 4));
      liar.send(answer, 0, answer.length, '198.51.100.1', resolve);
    });
    const asked = ask('ICMP', '198.51.100.9', 0, undefined, 1500);
    for (let id = 0; id < 0x10000; id++) {
      answer.writeUInt16BE(id, 4);
      answer.writeUInt16BE(id, 6);
      const sent = send();
      if (id % 64 === 0) await sent;
    }
    seen.forged = await asked;`);
  assert.deepEqual(forged, failed('no answer within 1.5 s'));
});

test('H1: a process without the capability cannot check by ICMP, and says so', options, () => {
  const prefix = ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw'];
  const { none } = see(`seen.none = await ask('ICMP', '127.0.0.1');`, prefix);
  assert.equal(none?.kind, 'impossible');
  assert.match(JSON.stringify(none), /Operation not permitted: ICMP needs CAP_NET_RAW/);
});

test('H1: a process that had the capability when it began goes on without it', options, () => {
  const seen = see(`
    const { restrictPrivileges } = await import(MODULES.privileges);
    checks.ICMP.open();
    restrictPrivileges(0n);
    seen.ipv4 = await ask('ICMP', '127.0.0.1');
    seen.ipv6 = await ask('ICMP', '::1');`);
  assert.deepEqual(seen, { ipv4: GOOD, ipv6: GOOD });
});

test('H1: no program that is started gets the socket', options, () => {
  const { leaked } = see(`
    await ask('ICMP', '127.0.0.1');
    await ask('ICMP', '::1');
    await ask('PORT', '127.0.0.1', 9);
    const { spawnSync } = await import('node:child_process');
    const { stdout } = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    seen.leaked = stdout.split('\\n').filter((line) => / [3-9] -> socket/.test(line));`);
  assert.deepEqual(leaked, []);
});

test(
  'H1: PORT is failed when the port is closed or the host away, and silence is good',
  options,
  () => {
    const seen = see(`
    for (const [name, type, host] of [['v4', 'udp4', '127.0.0.1'], ['v6', 'udp6', '::1']]) {
      const open = createSocket(type);
      open.bind(2055, host);
      await once(open, 'listening');
      let datagrams = 0;
      open.on('message', (payload) => { datagrams += payload.length === 0 ? 1 : 1000; });
      seen[name + ' open'] = await ask('PORT', host, 2055);
      seen[name + ' closed'] = await ask('PORT', host, 2056);
      seen[name + ' datagrams'] = datagrams;
    }
    seen.away = await ask('PORT', '198.51.100.9', 2055, undefined, 5000);
    seen.unreachable = await ask('PORT', '192.0.2.200', 2055);
    const both = [ask('PORT', '127.0.0.1', 2055), ask('PORT', '127.0.0.1', 2056)];
    seen.open = (await Promise.all(both))[0];`);
    const closed = failed('the port is closed (ECONNREFUSED)');
    const silent = { kind: 'good', isSilent: true };
    const away = failed('the host cannot be reached (EHOSTUNREACH)');
    assert.deepEqual(seen, {
      'v4 open': silent,
      'v4 closed': closed,
      'v4 datagrams': 1,
      'v6 open': silent,
      'v6 closed': closed,
      'v6 datagrams': 1,
      away,
      unreachable: away,
      open: silent,
    });
  },
);

test('H1: TCP is good when the connection is accepted', options, () => {
  const seen = see(`
    const open = createTcp();
    open.listen(8086, '127.0.0.1');
    await once(open, 'listening');
    seen.open = await ask('TCP', '127.0.0.1', 8086);
    seen.closed = await ask('TCP', '127.0.0.1', 8087);
    seen.ipv6 = await ask('TCP', '::1', 8086);
    seen.away = await ask('TCP', '198.51.100.9', 8086);`);
  const closed = failed('the port is closed (ECONNREFUSED)');
  const away = failed('no connection within 0.4 s');
  assert.deepEqual(seen, { open: GOOD, closed, ipv6: closed, away });
});

test('H1: HTTP is good when it is answered with a status of 200 to 299', options, () => {
  const seen = see(`
    const server = createHttp(({ url }, response) => {
      if (url === '/hang') return;
      if (url === '/garbage') return response.socket.end('no HTTP\\r\\n\\r\\n');
      if (url === '/endless') {
        response.writeHead(200);
        const write = () => response.write('x'.repeat(1 << 16), () => setImmediate(write));
        return write();
      }
      const status = Number(url.slice(1));
      response.writeHead(status, status === 302 ? { location: '/200' } : {}).end('body');
    });
    server.on('error', () => undefined);
    server.listen(8080, '127.0.0.1');
    await once(server, 'listening');
    for (const path of ['200', '204', '302', '404', '503', 'hang', 'garbage', 'endless'])
      seen[path] = await ask('HTTP', '127.0.0.1', 0, 'http://127.0.0.1:8080/' + path);
    seen.closed = await ask('HTTP', '127.0.0.1', 0, 'http://[::1]:8080/200');`);
  const { garbage, ...others } = seen;
  assert.match(JSON.stringify(garbage), /"failed".*HPE_/);
  const status = (code: number) => failed(`HTTP status ${code}`);
  assert.deepEqual(others, {
    200: GOOD,
    204: GOOD,
    302: status(302),
    404: status(404),
    503: status(503),
    hang: failed('no answer within 0.4 s'),
    endless: GOOD,
    closed: failed('ECONNREFUSED'),
  });
});
