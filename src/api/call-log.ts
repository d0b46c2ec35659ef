import { status as Status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { Caller } from '../model/caller.ts';
import type { Method } from './method.ts';

/** One call, for those who want to see all of them. */
export class CallLog {
  readonly #method: Method;
  readonly #log: Logger;
  readonly #begunMs = performance.now();
  #caller: Caller | undefined;

  constructor(method: Method, log: Logger) {
    this.#method = method;
    this.#log = log;
  }

  admitted(caller: Caller): void {
    this.#caller = caller;
  }

  /** At debug; calls that anybody may make, such as those for health, come all the time: at trace. */
  ended(code: Status): void {
    const level = this.#method.role === 'nobody' ? 'trace' : 'debug';
    if (!this.#log.isLevelEnabled(level)) return;
    const { who, from } = this.#caller ?? {};
    const ms = Math.round(performance.now() - this.#begunMs);
    const { path: call } = this.#method.definition;
    this.#log[level]({ call, who, from, status: Status[code], ms }, 'call');
  }
}
