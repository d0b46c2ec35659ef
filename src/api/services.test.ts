import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { FakeControl } from '../../test/api/fake-control.ts';
import { BUILD_INFO } from '../../test/api/harness.ts';
import { FloxyError } from '../base/errors.ts';
import { loadServices } from '../protocol/definitions.ts';
import type { CallContext } from './call-context.ts';
import { implement } from './implement.ts';
import { type Entry, SMALL, settingsEntries } from './services.ts';

const never = new AbortController().signal;

/** What a client that has gone leaves behind. */
const GONE: CallContext = {
  headers: {},
  addressFormat: 'text',
  peer: '192.0.2.1:1',
  caller: { who: 'somebody', role: 'admin', from: '192.0.2.1:1' },
  signal: AbortSignal.abort(),
  stopping: never,
  work: async (job) => job(),
  throwIfGone: () => {
    throw new FloxyError('NOT_READY', 'the client has gone');
  },
};

test('a change whose client has gone is not made', async () => {
  const control = new FakeControl();
  const log = pino({ level: 'silent' });
  const entries = settingsEntries({
    control,
    buildInfo: BUILD_INFO,
    pipelines: () => new Set(),
    log,
  });
  const exporters = [{ endpoint: { host: '192.0.2.1' } }];
  const requests = { ReplaceProxyRules: {}, UpdateProxyRules: {}, DeleteProxyRules: { exporters } };
  for (const [name, request] of Object.entries(requests)) {
    const { handler } = entries[name] as Entry;
    await assert.rejects(async () => handler(request as never, GONE), { code: 'NOT_READY' }, name);
  }
  assert.equal(control.revision, 0);
});

test('a service is refused when a method has no handler, or a handler no method', () => {
  const { ListProxyRules } = loadServices().settings;
  assert.ok(ListProxyRules);
  const definition = { ListProxyRules };
  const entry: Entry = { role: 'viewer', handler: () => ({ parts: [{}] }), limits: SMALL };
  assert.throws(() => implement(definition, {}), /ListProxyRules has no handler/);
  const entries = { ListProxyRules: entry, ListProxyRulse: entry };
  assert.throws(() => implement(definition, entries), /ListProxyRulse has no method/);
});
