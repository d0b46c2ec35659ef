/** The end-to-end tests of the packet path, with the service in the sandbox of the unit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { CHECKOUT, Container, requireTree } from './container.ts';

const FILES = ['matching', 'wire', 'hop-limit', 'order-and-change', 'two-listeners', 'statistics'];

test('the packet path is as ever in the sandbox', {
  skip: requireRoot() || requireTree(),
}, async () => {
  await using lab = await Lab.create();
  await using container = await Container.boot(lab.proxy);
  await container.run('dpkg', '--install', '/packages/first.deb');
  await container.run('systemctl', 'stop', 'floxy');
  const files = FILES.map((name) => `test/e2e/${name}.test.ts`);
  const environment = [
    'FLOXY_REQUIRE_ROOT_TESTS=1',
    `FLOXY_SERVICE_WRAPPER=${CHECKOUT}/test/package/sandboxed`,
  ];
  const runner = ['bin/floxy-node', '--test', '--test-concurrency=1', '--test-reporter=tap'];
  const command = ['env', '-C', CHECKOUT, ...environment, ...runner, ...files];
  const { status, output } = await container.attempt(...command);
  assert.equal(
    status,
    0,
    output
      .split('\n')
      .filter((line) => /^\s*(not ok|# |error:)/.test(line))
      .join('\n'),
  );
  assert.match(output, /^# fail 0$/m);
  assert.match(output, /^# skipped 0$/m);
  assert.doesNotMatch(output, /^# pass 0$/m);
});
