/** WatchProxyRules as a client sees it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Client,
  type ClientReadableStream,
  credentials,
  Metadata,
  status as Status,
} from '@grpc/grpc-js';
import type { Rule } from '../../src/model/rules.ts';
import { loadServices } from '../../src/protocol/definitions.ts';
import type { RulesRevisionMessage } from '../../src/protocol/messages.ts';
import { ruleSetDigest } from '../../src/rules/digest.ts';
import { waitFor } from '../lab/shell.ts';
import { tellTime } from '../lab/times.ts';
import { exporter, outputs, rule, ruleSet } from '../support/rule-sets.ts';
import { startApi } from './harness.ts';

const { settings } = loadServices();

/** One watching client and what it was told. */
class Watcher implements Disposable {
  readonly messages: RulesRevisionMessage[] = [];
  error: { code: number; details: string } | undefined;
  readonly #client: Client;
  readonly #call: ClientReadableStream<RulesRevisionMessage>;

  constructor(address: string, request: object = {}, headers: Record<string, string> = {}) {
    const method = settings['WatchProxyRules'];
    assert.ok(method);
    const { path, requestSerialize, responseDeserialize } = method;
    // A connection of its own: one carries 32 streams.
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    this.#call = this.#client.makeServerStreamRequest<object, RulesRevisionMessage>(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
    );
    this.#call.on('data', (message: RulesRevisionMessage) => this.messages.push(message));
    this.#call.on('error', (error: unknown) => {
      this.error = error as { code: number; details: string };
    });
  }

  /** Waits for a message. */
  message(matches: (message: RulesRevisionMessage) => boolean): Promise<RulesRevisionMessage> {
    const what = () => `a message comes; there are: ${JSON.stringify(this.messages)}`;
    return waitFor(what, () => this.messages.find(matches));
  }

  [Symbol.dispose](): void {
    this.#call.cancel();
    this.#client.close();
  }
}

const replaceWith = (...rules: Rule[]) =>
  ({ kind: 'replace', ruleSet: ruleSet(rules, outputs(['198.51.100.9:9995'])) }) as const;

const isLast = (revision: number) => (message: RulesRevisionMessage) =>
  message.revision === String(revision) && message.part?.last === true;

test('A13: a watcher gets the whole rule set at once, marked as not based on another', async () => {
  await using api = await startApi();
  await api.control.change(replaceWith(rule('192.0.2.1:1', ['198.51.100.1'])));
  using watcher = new Watcher(api.address);
  await watcher.message(isLast(1));
  const digest = ruleSetDigest(api.control.ruleSet);
  const parts = watcher.messages.map(({ part }) => part);
  assert.ok(watcher.messages.every((message) => message.digest === digest));
  assert.ok(parts.every((part) => part?.base === undefined));
  assert.deepEqual(
    parts.flatMap((part) => part?.rules ?? []).map(({ exporter }) => exporter.endpoint.host),
    ['192.0.2.1'],
  );
  assert.equal(parts.at(-1)?.replacesDefaultOutputs, true);
});

test('a watcher that names the digest of the rules in force is told the revision alone', async () => {
  await using api = await startApi();
  await api.control.change(replaceWith(rule('192.0.2.1')));
  const digest = ruleSetDigest(api.control.ruleSet);
  using watcher = new Watcher(api.address, { digest });
  const message = await watcher.message(() => true);
  assert.deepEqual([message.revision, message.digest], ['1', digest]);
  assert.ok(!message.part);
});

test('a change comes as a difference, to every watcher', async () => {
  await using api = await startApi();
  await api.control.change(replaceWith(rule('192.0.2.1'), rule('192.0.2.2')));
  using one = new Watcher(api.address);
  using other = new Watcher(api.address, {}, { 'collector-address-format': 'binary' });
  await Promise.all([one.message(isLast(1)), other.message(isLast(1))]);
  const base = ruleSetDigest(api.control.ruleSet);
  const start = performance.now();
  await api.control.change({
    kind: 'edit',
    deleted: [],
    upserts: [rule('192.0.2.3', ['198.51.100.1'])],
  });
  await Promise.all([one.message(isLast(2)), other.message(isLast(2))]);
  tellTime('a change is told to watchers', performance.now() - start, 400);
  const changed = one.messages.filter(({ revision, part }) => revision === '2' && part);
  assert.ok(changed.every(({ part }) => part?.base === base));
  const rules = changed.flatMap(({ part }) => part?.rules ?? []);
  assert.deepEqual(
    rules.map(({ exporter }) => exporter.endpoint.host),
    ['192.0.2.3'],
  );
  const octets = other.messages
    .filter(({ revision }) => revision === '2')
    .flatMap(({ part }) => part?.rules ?? [])
    .map(({ exporter }) => [...(exporter.endpoint.octets ?? [])]);
  assert.deepEqual(octets, [[192, 0, 2, 3]]);
  await api.control.change({ kind: 'edit', deleted: [exporter('192.0.2.2')], upserts: [] });
  await one.message(isLast(3));
  const deleted = one.messages.flatMap(({ part }) => part?.deleted ?? []);
  assert.deepEqual(
    deleted.map(({ endpoint: gone }) => gone.host),
    ['192.0.2.2'],
  );
});

test('revisions come in order; of many at once the last is never left out', async () => {
  await using api = await startApi();
  using watcher = new Watcher(api.address);
  await watcher.message(isLast(0));
  for (let i = 1; i <= 200; i++) {
    await api.control.change({ kind: 'edit', deleted: [], upserts: [rule(`192.0.2.${i}`)] });
  }
  await watcher.message(isLast(200));
  const revisions = watcher.messages.map(({ revision }) => Number(revision));
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  );
});

test('rules that changed places are sent whole', async () => {
  await using api = await startApi();
  await api.control.change(replaceWith(rule('192.0.2.1'), rule('192.0.2.2')));
  using watcher = new Watcher(api.address);
  await watcher.message(isLast(1));
  await api.control.change(replaceWith(rule('192.0.2.2'), rule('192.0.2.1')));
  const { part } = await watcher.message(isLast(2));
  assert.equal(part?.base, undefined);
});

test('a watcher that was cut off and comes back is sent what is different since', async () => {
  await using api = await startApi();
  await api.control.change(replaceWith(rule('192.0.2.1'), rule('192.0.2.2')));
  using first = new Watcher(api.address);
  const { digest } = await first.message(isLast(1));
  first[Symbol.dispose]();
  await waitFor('it is gone', () => api.control.listeners === 0);
  for (const last of [3, 4]) {
    await api.control.change({ kind: 'edit', deleted: [], upserts: [rule(`192.0.2.${last}`)] });
  }
  using back = new Watcher(api.address, { digest });
  const { part } = await back.message(isLast(3));
  assert.equal(part?.base, digest);
  const rules = back.messages.flatMap((message) => message.part?.rules ?? []);
  assert.deepEqual(
    rules.map(({ exporter }) => exporter.endpoint.host),
    ['192.0.2.3', '192.0.2.4'],
  );
});

test('heartbeats come every half second', async () => {
  await using api = await startApi();
  const start = performance.now();
  using watcher = new Watcher(api.address);
  await watcher.message(isLast(0));
  const isHeartbeat = ({ part }: RulesRevisionMessage) => !part;
  await waitFor('two heartbeats', () => watcher.messages.filter(isHeartbeat).length >= 2);
  const tookMs = performance.now() - start;
  assert.ok(tookMs > 900, `${tookMs} ms`);
  tellTime('two heartbeats come', tookMs, 2_000);
});

test('rules that are not restored are not given away: the reason is', async () => {
  await using api = await startApi();
  api.control.problem = 'the saved rules are being restored';
  using watcher = new Watcher(api.address);
  const message = await watcher.message(() => true);
  assert.equal(message.error, 'the saved rules are being restored');
  assert.equal(message.revision, undefined);
  api.control.problem = undefined;
  await watcher.message(isLast(0));
});

test('a watcher that goes leaves nothing behind', async () => {
  await using api = await startApi();
  using watcher = new Watcher(api.address);
  await watcher.message(isLast(0));
  assert.equal(api.control.listeners, 1);
  watcher[Symbol.dispose]();
  await waitFor('nobody waits for changes', () => api.control.listeners === 0);
});

test('a stop ends the streams with UNAVAILABLE', async () => {
  await using api = await startApi();
  using watcher = new Watcher(api.address);
  await watcher.message(isLast(0));
  const start = performance.now();
  await api.server.stop();
  await waitFor('the stream ends', () => watcher.error);
  tellTime('a stop ends the streams', performance.now() - start, 900);
  assert.equal(watcher.error?.code, Status.UNAVAILABLE);
  assert.equal(api.control.listeners, 0);
});

test('a bad header, a huge request and an internal failure have their status', async () => {
  await using api = await startApi();
  using bad = new Watcher(api.address, {}, { 'collector-address-format': 'hex' });
  using huge = new Watcher(api.address, { digest: 'd'.repeat(5000) });
  await waitFor('both end', () => bad.error && huge.error);
  assert.equal(bad.error?.code, Status.INVALID_ARGUMENT);
  assert.equal(huge.error?.code, Status.RESOURCE_EXHAUSTED);
  api.control.failure = new Error('secret');
  using failing = new Watcher(api.address);
  await waitFor('it ends', () => failing.error);
  assert.equal(failing.error?.code, Status.INTERNAL);
  assert.doesNotMatch(failing.error?.details ?? '', /secret/);
});

test('more than 64 watchers are refused until one goes', async () => {
  await using api = await startApi();
  using watchers = new DisposableStack();
  const all = Array.from({ length: 64 }, () => watchers.use(new Watcher(api.address)));
  await Promise.all(all.map((watcher) => watcher.message(isLast(0))));
  using refused = new Watcher(api.address);
  await waitFor('it is refused', () => refused.error);
  assert.equal(refused.error?.code, Status.RESOURCE_EXHAUSTED);
  all[0]?.[Symbol.dispose]();
  await waitFor('one is gone', () => api.control.listeners === 63);
  using admitted = new Watcher(api.address);
  await admitted.message(isLast(0));
});
