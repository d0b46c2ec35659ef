/** `floxy announce` in the lab, before a proxy that is a stand-in. */
import { fileURLToPath } from 'node:url';
import { Agent } from '../lab/agent.ts';
import { Program } from '../lab/program.ts';
import { waitFor } from '../lab/shell.ts';
import { BOTH } from './bgp-lab.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** A busy machine takes its time to start a process. */

/** The stand-in's port: every lab has a loopback device of its own. */
export const HEALTH_PORT = 8853;

export type AnnounceSettings = Readonly<Record<`COLLECTOR_${string}`, string>>;

/** Starts `floxy announce`. @param prefix words before it, such as those of setpriv */
export function startAnnouncer(
  namespace: string,
  settings: AnnounceSettings,
  args: readonly string[] = [],
  prefix: readonly string[] = [],
): Program {
  const env = { COLLECTOR_ANNOUNCE_ADDRESSES: BOTH.join(','), ...settings };
  const command = [...prefix, process.execPath, '--no-warnings', MAIN, 'announce', ...args];
  return new Program(namespace, command, { env });
}

/** Messages that an announcer has logged so far, each with its record. */
export function recordsOf(announcer: Program): Record<string, unknown>[] {
  const lines = announcer.log.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line));
}

/** Waits for a log record. */
export function waitForRecord(announcer: Program, message: string, count = 1) {
  return waitFor(
    () => `the announcer logs "${message}" ${count} times:\n${announcer.log}`,
    () => recordsOf(announcer).filter(({ msg }) => msg === message)[count - 1],
  );
}

/** The stand-in for a proxy. */
export class StandIn implements AsyncDisposable {
  readonly #agent: Agent;

  private constructor(agent: Agent) {
    this.#agent = agent;
  }

  static async start(namespace: string): Promise<StandIn> {
    const agent = await Agent.start(namespace, '../announce/health-agent.ts');
    await agent.ask('serve', { port: HEALTH_PORT });
    return new StandIn(agent);
  }

  async set(status: 'SERVING' | 'NOT_SERVING'): Promise<void> {
    await this.#agent.ask('set', { status });
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.#agent.pid, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
  }
}
