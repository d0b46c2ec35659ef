import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallContext } from './call-context.ts';
import { WatcherPlaces } from './watcher-places.ts';

/** A client that watches until it is displaced, or goes. All come from the same address. */
function watch(places: WatcherPlaces, who: string) {
  const gone = new AbortController();
  const handler = places.limit(async function* (_request: object, { signal }: CallContext) {
    yield {};
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve());
    });
  });
  const stream = handler({}, {
    peer: '192.0.2.1:1',
    caller: { who, role: 'viewer', from: '192.0.2.1:1' },
    signal: gone.signal,
  } as CallContext);
  const messages = stream[Symbol.asyncIterator]();
  return {
    begin: () => messages.next(),
    end: () => messages.next(),
    leave: () => gone.abort(),
  };
}

test('when all places are taken, the same caller is refused until one goes', async () => {
  const places = new WatcherPlaces(2);
  const [first, second, third] = ['a', 'a', 'a'].map((who) => watch(places, who));
  await first?.begin();
  await second?.begin();
  await assert.rejects(async () => third?.begin(), { code: 'LIMIT_EXCEEDED' });
  first?.leave();
  assert.equal((await first?.end())?.done, true);
  assert.equal(places.size, 1);
  await watch(places, 'a').begin();
});

test('another caller gets a place of the one who has most, up to half of them', async () => {
  const places = new WatcherPlaces(4);
  const greedy = [1, 2, 3, 4].map(() => watch(places, 'a'));
  for (const watcher of greedy) await watcher.begin();
  for (let i = 3; i >= 2; i--) {
    await watch(places, 'b').begin();
    await assert.rejects(async () => greedy[i]?.end(), { code: 'LIMIT_EXCEEDED' });
  }
  await assert.rejects(watch(places, 'b').begin(), { code: 'LIMIT_EXCEEDED' });
  assert.equal(places.size, 4);
});
