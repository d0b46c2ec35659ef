/** The ways by which copies can leave. What they are on the wire is the same. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Api } from './api.ts';
import { requireRoot } from './require-root.ts';
import type { Settings } from './service.ts';

export interface Sender {
  readonly name: string;
  readonly settings: Settings;
  /** Whether copies have left so, those to other hosts at least. */
  readonly assertUsed: (api: Api) => Promise<void>;
}

const SENDERS: readonly Sender[] = [
  {
    name: 'from the kernel',
    settings: { COLLECTOR_FLOXY_ENGINE: 'kernel' },
    assertUsed: async (api) => {
      const { kernel_engine: engine } = await api.status();
      assert.notEqual(Number(engine?.handled.packets ?? 0), 0, JSON.stringify(engine));
    },
  },
  {
    name: 'as frames',
    settings: { COLLECTOR_FLOXY_ENGINE: 'socket', COLLECTOR_FLOXY_SENDER: 'link' },
    assertUsed: async (api) => assert.notEqual(await framesOf(api), 0, 'copies left as frames'),
  },
  {
    name: 'through raw sockets',
    settings: { COLLECTOR_FLOXY_ENGINE: 'socket', COLLECTOR_FLOXY_SENDER: 'raw' },
    assertUsed: async (api) => assert.equal(await framesOf(api), 0, 'no copy left as a frame'),
  },
];

/** Describes the same for each of them. */
export function describeSenders(title: string, body: (sender: Sender) => void): void {
  for (const sender of SENDERS) {
    describe(`${title}, copies leave ${sender.name}`, { skip: requireRoot() }, () => body(sender));
  }
}

async function framesOf(api: Api): Promise<number> {
  const { forwarders } = await api.status();
  return forwarders.reduce((sum, { frames }) => sum + Number(frames), 0);
}
