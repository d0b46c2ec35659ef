/** A host with a link to a network, both network namespaces, and the path table of that host (paths-agent.ts). */
import type { PathText } from '../support/path-table.ts';
import { Agent } from './agent.ts';
import { addNamespaces, ip, removeNamespace, sweepNamespaces } from './namespaces.ts';
import { run, waitFor } from './shell.ts';

const PREFIX = `flp-${process.pid}`;
export const HOST = `${PREFIX}-host`;
export const NET = `${PREFIX}-net`;
export const MAC = { host: '02:00:00:00:01:01', net: '02:00:00:00:01:02' };

export interface PathsStatusText {
  readonly sender: string;
  readonly reason: string;
  readonly ready: number;
  readonly without: Readonly<Record<string, number>>;
}

/** A host with one link to a network, and in it the path table of the host. */
export class PathNode implements AsyncDisposable {
  readonly agent: Agent;
  #indexes = new Map<string, number>();

  private constructor(agent: Agent) {
    this.agent = agent;
  }

  static async start(sender = 'link', privileges = 'given up'): Promise<PathNode> {
    const agent = await Agent.start(HOST, 'paths-agent.ts');
    await agent.ask('start', { sender, privileges });
    return new PathNode(agent);
  }

  async want(...hosts: string[]): Promise<void> {
    const indexes = await this.agent.ask<number[]>('want', { hosts });
    this.#indexes = new Map(hosts.map((host, i) => [host, indexes[i] ?? 0]));
  }

  row(host: string): Promise<PathText | null> {
    return this.agent.ask('row', { index: this.#indexes.get(host) });
  }

  status(): Promise<PathsStatusText> {
    return this.agent.ask('status');
  }

  /** Waits until the row says this of the frames, null: that there is no path. */
  async says(host: string, wanted: Partial<PathText> | null): Promise<void> {
    let seen: PathText | null | undefined;
    const expected = JSON.stringify(wanted);
    const isWanted = async () => {
      seen = await this.row(host);
      if (seen === null || wanted === null) return seen === wanted;
      return Object.entries(wanted).every(
        ([key, value]) => JSON.stringify(seen?.[key as keyof PathText]) === JSON.stringify(value),
      );
    };
    await waitFor(() => `${host} has ${expected}, not ${JSON.stringify(seen)}`, isWanted);
  }

  async reason(host: string, problem: string): Promise<void> {
    let seen: PathsStatusText | undefined;
    await waitFor(
      () => `${host} has no path by ${problem}: ${JSON.stringify(seen)}`,
      async () => {
        seen = await this.status();
        return (seen.without[problem] ?? 0) === 1;
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
  }
}

export async function linkIndex(name: string): Promise<number> {
  const [link] = JSON.parse(await run(['ip', '-n', HOST, '-j', 'link', 'show', name]));
  return link.ifindex;
}

export const ipCommand = (command: string) => ['ip', '-n', HOST, ...command.split(' ')];
export const host = (...commands: string[]) => ip(HOST, commands);
export const net = (...commands: string[]) => ip(NET, commands);
export const inHost = (...words: string[]) => ['ip', 'netns', 'exec', HOST, ...words];
export const ping = (address: string) => run(inHost('ping', '-c1', '-W2', address));

export async function state(address: string): Promise<string> {
  const text = await run(['ip', '-n', HOST, '-j', 'neigh', 'show', address]);
  const [found] = JSON.parse(text || '[]');
  return found?.state?.[0] ?? 'NONE';
}

async function makeNetwork(): Promise<void> {
  await sweepNamespaces(/^flp-(\d+)-/);
  await addNamespaces([HOST, NET]);
  await host(
    'link set lo up',
    `link add out address ${MAC.host} type veth peer name in address ${MAC.net} netns ${NET}`,
    'link set out up',
    'addr add 198.18.5.1/24 dev out',
    'addr add fd00:5::1/64 dev out nodad',
  );
  await net(
    'link set lo up',
    'link set in up',
    ...[2, 3, 4].map((i) => `addr add 198.18.5.${i}/24 dev in`),
    ...[2, 3].map((i) => `addr add fd00:5::${i}/64 dev in nodad`),
  );
}

/** Makes the network, and removes it. */
export async function withNetwork(use: () => Promise<void>): Promise<void> {
  await makeNetwork();
  try {
    await use();
  } finally {
    for (const name of [HOST, NET]) await removeNamespace(name);
  }
}
