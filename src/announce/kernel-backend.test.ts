import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelBackend, loopbackAddressesOf } from './kernel-backend.ts';
import { RouteError } from './route-backend.ts';

function make(loopback: readonly string[] = [], failure?: Error) {
  const commands: string[] = [];
  const backend = new KernelBackend(['192.0.2.100', '2001:db8::100'], {
    runIp: async (args) => {
      commands.push(args.join(' '));
      if (failure !== undefined) throw failure;
    },
    loopbackAddresses: () =>
      loopback.map((cidr) => {
        const [address = '', prefixLength] = cidr.split('/');
        return { address, prefixLength: Number(prefixLength) };
      }),
  });
  return { backend, commands };
}

test('announced are the service addresses that the loopback device has, and no others', async () => {
  const { backend } = make(['127.0.0.1/8', '::1/128', '2001:db8::100/128']);
  assert.deepEqual(await backend.announced(), new Set(['2001:db8::100']));
});

test('addresses are added and deleted as host routes; IPv6 ones are no source of calls', async () => {
  const { backend, commands } = make(['192.0.2.100/32', '2001:db8::100/128']);
  for (const address of ['192.0.2.100', '2001:db8::100']) {
    await backend.announce(address);
    await backend.withdraw(address);
  }
  assert.deepEqual(commands, [
    'addr add 192.0.2.100/32 dev lo',
    'addr del 192.0.2.100/32 dev lo',
    'addr add 2001:db8::100/128 dev lo nodad preferred_lft 0 valid_lft forever',
    'addr del 2001:db8::100/128 dev lo',
  ]);
});

test('an address that somebody added with a label, or with a network, is announced, and withdrawn as it is', async () => {
  const entry = (cidr: string) => ({
    address: cidr.split('/')[0] ?? '',
    netmask: '255.255.255.255',
    family: 'IPv4' as const,
    mac: '00:00:00:00:00:00',
    internal: true,
    cidr,
  });
  const found = loopbackAddressesOf({
    lo: [entry('127.0.0.1/8')],
    'lo:1': [entry('192.0.2.100/24')],
    lo0: [entry('192.0.2.101/32')],
  });
  assert.deepEqual(found, [
    { address: '127.0.0.1', prefixLength: 8 },
    { address: '192.0.2.100', prefixLength: 24 },
  ]);
  const { backend, commands } = make(['192.0.2.100/24']);
  assert.deepEqual(await backend.announced(), new Set(['192.0.2.100']));
  await backend.withdraw('192.0.2.100');
  assert.deepEqual(commands, ['addr del 192.0.2.100/24 dev lo']);
});

const FAILURES = [
  [{ code: 'ENOENT' }, /install iproute2/],
  [{ stderr: 'RTNETLINK answers: Operation not permitted\n' }, /permitted \(CAP_NET_ADMIN is/],
  [{ stderr: 'RTNETLINK answers: No buffer space available\n' }, /: RTNETLINK.*available$/],
] as const;

for (const [properties, expected] of FAILURES) {
  test(`a failed command is told with what to do: ${expected.source}`, async () => {
    const { backend } = make([], Object.assign(new Error('failed'), properties));
    await assert.rejects(backend.announce('192.0.2.100'), (error: unknown) => {
      assert.ok(error instanceof RouteError);
      assert.match(error.message, /^ip addr add 192\.0\.2\.100\/32 dev lo: /);
      assert.match(error.message, expected);
      return true;
    });
  });
}
