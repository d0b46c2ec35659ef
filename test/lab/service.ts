/**
 * The real service, run in the proxy's namespace as an operator runs it: `bin/floxy serve`, with settings
 * from the environment and a database of its own. Nothing of it survives the test.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Api, type SystemStatusMessage } from './api.ts';
import { type Lab, makeFolder } from './lab.ts';
import { Program } from './program.ts';
import { HANG_MS, waitFor } from './shell.ts';
import { tellTime } from './times.ts';

/** SIGTERM has to end everything within this time. */
const STOP_LIMIT_MS = 2_000;
/** A program that all services are run by, such as one that shuts them in; see test/package/sandboxed. */
const WRAPPER = process.env['FLOXY_SERVICE_WRAPPER'];
/** The command that an operator runs. */
export const floxy: string = fileURLToPath(new URL('../../bin/floxy', import.meta.url));

export type Settings = Readonly<Record<`COLLECTOR_${string}`, string>>;

export interface ServiceOptions {
  /** On top of the defaults: flow on `[::]:2055`, two forwarders, warnings logged. */
  readonly settings?: Settings;
  /** The command; default that of this tree. */
  readonly command?: string;
  /** Words before `bin/floxy serve`, such as those of setpriv. */
  readonly prefix?: readonly string[];
  /** Shell commands that run before it in a mount namespace of its own. */
  readonly prepare?: string;
  /** A folder for the database that outlives the service; without it one is made and removed. */
  readonly folder?: string;
  /** Where it runs; default the namespace of the proxy. */
  readonly namespace?: string;
  /** What the proxy must be before `start` returns; undefined: any state. Default OK. */
  readonly state?: string | undefined;
}

export class Service implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #program: Program;
  readonly #ownFolder: boolean;
  readonly #namespace: string;
  readonly api: Api;
  /** The folder of the database. */
  readonly folder: string;

  private constructor(
    lab: Lab,
    program: Program,
    api: Api,
    options: { folder: string; ownFolder: boolean; namespace: string },
  ) {
    this.#lab = lab;
    this.#program = program;
    this.api = api;
    this.folder = options.folder;
    this.#ownFolder = options.ownFolder;
    this.#namespace = options.namespace;
  }

  /** Returns when the API answers and the proxy is in the wanted state. */
  static async start(lab: Lab, options: ServiceOptions = {}): Promise<Service> {
    const folder = options.folder ?? makeFolder('database');
    const { namespace = lab.proxy } = options;
    const program = startProgram(namespace, folder, options);
    const api = await Api.start(namespace);
    const ownFolder = options.folder === undefined;
    const service = new Service(lab, program, api, { folder, ownFolder, namespace });
    const state = 'state' in options ? options.state : 'OK';
    try {
      await service.waitForState(state);
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
    return service;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Everything that it wrote to stdout and stderr. */
  get log(): string {
    return this.#program.log;
  }

  get hasEnded(): boolean {
    return this.#program.hasEnded;
  }

  /** The exit status; null while it runs and when a signal ended it. */
  get status(): number | null {
    return this.#program.status;
  }

  /** Waits until the proxy is in a state; undefined: until the API answers. */
  async waitForState(state: string | undefined, timeoutMs = HANG_MS): Promise<SystemStatusMessage> {
    let seen = 'no answer';
    const probe = async () => {
      if (this.hasEnded) throw new Error(`the service ended with ${this.status}:\n${this.log}`);
      const status = await this.api.status(timeoutMs).catch((error: Error) => error);
      seen = status instanceof Error ? status.message : JSON.stringify(status.proxy);
      if (status instanceof Error) return false;
      return (state === undefined || status.proxy.state === state) && status;
    };
    const what = () => `the proxy is ${state ?? 'reachable'}; it is: ${seen}\n${this.log}`;
    return waitFor(what, probe, timeoutMs, 20);
  }

  /** Pids of the running forwarders. */
  async forwarderPids(): Promise<number[]> {
    const { forwarders } = await this.api.status();
    return forwarders.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** All processes of the service: itself, its forwarders, and what else it may have started. */
  async pids(): Promise<number[]> {
    return (await this.#lab.proxyPids(this.#namespace)).filter((pid) => !isAgent(pid));
  }

  /**
   * Ends it as an operator does.
   * @throws Error when it does not end in time, not with status 0, or leaves a process behind
   */
  async stop(): Promise<void> {
    const tookMs = await this.#program.end('SIGTERM');
    tellTime('SIGTERM ends the service', tookMs, STOP_LIMIT_MS);
    if (this.status !== 0) {
      const how = this.#program.signal ?? this.status;
      throw new Error(`SIGTERM ended the service with ${how} after ${tookMs} ms:\n${this.log}`);
    }
    const left = await this.pids();
    if (left.length > 0) throw new Error(`processes ${left} outlived the service:\n${this.log}`);
  }

  /** Ends the control process alone, without a chance to clean up. */
  async killControl(): Promise<void> {
    await this.#program.end('SIGKILL');
  }

  async waitForEnd(timeoutMs = HANG_MS): Promise<number | null> {
    await waitFor(
      () => `the service ends:\n${this.log}`,
      () => this.hasEnded,
      timeoutMs,
    );
    return this.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
    await this.#program.end('SIGTERM');
    if (this.#ownFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a process belongs to the lab, not to the service. */
function isAgent(pid: number): boolean {
  try {
    return /-agent\.ts|^tcpdump\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return true; // it has ended in the meantime
  }
}

function startProgram(namespace: string, folder: string, options: ServiceOptions): Program {
  const { settings = {}, prefix = [], prepare, command: program = floxy } = options;
  const wrapper = WRAPPER === undefined ? [] : [WRAPPER];
  const command = [...wrapper, ...prefix, program, 'serve'];
  // The mount namespace that `ip netns exec` makes is private to this process and its children.
  const shell = prepare === undefined ? [] : ['sh', '-ec', `${prepare}\nexec "$@"`, 'sh'];
  const env = {
    COLLECTOR_FLOXY_ADDRESS: '[::]:2055',
    COLLECTOR_FLOXY_THREAD_COUNT: '2',
    COLLECTOR_DATABASE_PATH: join(folder, 'collector.db'),
    COLLECTOR_LOG_LEVEL: 'info',
    ...settings,
  };
  return new Program(namespace, [...shell, ...command], { env });
}
