import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { type Handover, handoverConnect, handoverReceive } from '../../native/handover.ts';
import { killProcess, takeDescriptor } from '../../native/processes.ts';
import { type Descriptors, inheritedDescriptors, presentDescriptors } from './descriptors.ts';
import {
  type ForwarderRecord,
  type RecordedForwarder,
  readForwarderRecord,
} from './forwarder-record.ts';
import { parseHandoverState } from './handover.ts';
import type { HandoverPaths } from './handover-paths.ts';
import { closeAll, Predecessor, type PredecessorParts } from './predecessor.ts';
import { openIdentified } from './process-identity.ts';

const ANSWER_WAIT_MS = 1000;
const ANSWER_POLL_MS = 5;

/** Somebody listens at the handover socket of this index. */
interface Answering {
  readonly index: number;
  readonly connection: number;
}

interface Answer extends Answering {
  readonly handover: Handover;
}

interface Running extends RecordedForwarder {
  readonly pidfd: number;
}

/**
 * Finds the forwarders that an earlier control left: those that answer at their handover sockets, and those
 * that were recorded and still run. What a forwarder says may be a lie, as it may have been broken into; what
 * the kernel says of it is not.
 */
export class ForwarderSearch {
  readonly #paths: HandoverPaths;
  readonly #users: readonly (number | undefined)[];
  readonly #log: Logger;

  /** @param users who forwarders run as by the settings */
  constructor(paths: HandoverPaths, users: readonly (number | undefined)[], log: Logger) {
    this.#paths = paths;
    this.#users = users;
    this.#log = log;
  }

  /**
   * @param waitMs one that does not answer in this time does not run, or its control lives
   * @returns none when the control that has them is still there
   */
  async find(waitMs = ANSWER_WAIT_MS): Promise<Predecessor[]> {
    const record = readForwarderRecord(this.#paths.record);
    if (record !== undefined && isRunning(record)) return [];
    const running = (record?.forwarders ?? []).flatMap(openRunning);
    const answers = await this.#askAll(waitMs);
    const found = answers.flatMap((answer) => this.#accept(answer, running) ?? []);
    for (const forwarder of running) {
      const hasAnswered = answers.some(({ handover }) => handover.pid === forwarder.pid);
      if (hasAnswered) closeSync(forwarder.pidfd);
      else found.push(...this.#seize(forwarder, record as ForwarderRecord));
    }
    return found;
  }

  async #askAll(waitMs: number): Promise<Answer[]> {
    let waiting = this.#paths.existing().flatMap(({ index, path }): Answering[] => {
      const connection = handoverConnect(path);
      return connection === undefined ? [] : [{ index, connection }];
    });
    const answers: Answer[] = [];
    const deadline = performance.now() + waitMs;
    while (waiting.length > 0 && performance.now() < deadline) {
      waiting = waiting.filter((answering) => {
        const handover = this.#receive(answering);
        if (typeof handover === 'object') answers.push({ ...answering, handover });
        return handover === 'waiting';
      });
      if (waiting.length > 0) await sleep(ANSWER_POLL_MS);
    }
    for (const { connection } of waiting) closeSync(connection);
    return answers;
  }

  #receive({ index, connection }: Answering): Handover | 'waiting' | 'refused' {
    try {
      return handoverReceive(connection) ?? 'waiting';
    } catch (error) {
      closeSync(connection);
      this.#refuse(index, undefined, error);
      return 'refused';
    }
  }

  #accept(answer: Answer, running: readonly Running[]): Predecessor | undefined {
    const { index, connection, handover } = answer;
    const { pid, uid, pidfd } = handover;
    const isRecorded = running.some((forwarder) => forwarder.pid === pid);
    try {
      if (!isRecorded && !this.#users.includes(uid)) throw new Error(`it runs as user ${uid}`);
      return Predecessor.of({ index, pid, pidfd, connection, ...readHandover(handover) });
    } catch (error) {
      this.#refuse(index, pid, error);
      for (const fd of handover.descriptors) closeSync(fd);
      closeSync(connection);
      if (pidfd !== undefined) {
        // It would keep the port.
        if (isRecorded) endProcess(pidfd);
        closeSync(pidfd);
      }
      return undefined;
    }
  }

  /** Takes what a forwarder has open that does not answer: it is stopped, hangs, or waits for a processor. */
  #seize(forwarder: Running, { versions }: ForwarderRecord): Predecessor[] {
    const { index, pid, pidfd } = forwarder;
    const descriptors: Record<string, number> = {};
    try {
      for (const [name, fd] of presentDescriptors(inheritedDescriptors(forwarder.descriptors))) {
        if (isSeized(name)) descriptors[name] = takeDescriptor(pidfd, fd);
      }
      const parts = { connection: undefined, versions, descriptors };
      const predecessor = Predecessor.of({ index, pid, pidfd, ...parts });
      this.#log.warn({ forwarder: index, pid }, 'forwarder does not answer: it will be killed');
      return [predecessor];
    } catch (error) {
      closeAll(descriptors);
      endProcess(pidfd);
      closeSync(pidfd);
      this.#log.error(
        { forwarder: index, pid, error: messageOf(error) },
        'forwarder does not answer and was killed: packets that waited in its socket are lost',
      );
      return [];
    }
  }

  #refuse(forwarder: number, pid: number | undefined, error: unknown): void {
    this.#log.error({ forwarder, pid, error: messageOf(error) }, 'forwarder not taken over');
  }
}

function isRunning({ control }: ForwarderRecord): boolean {
  const pidfd = openIdentified(control);
  if (pidfd !== undefined) closeSync(pidfd);
  return pidfd !== undefined;
}

function openRunning(forwarder: RecordedForwarder): Running[] {
  const pidfd = openIdentified(forwarder);
  return pidfd === undefined ? [] : [{ ...forwarder, pidfd }];
}

/** Others are made anew. */
function isSeized(name: string): boolean {
  return (
    name.startsWith('receive ') ||
    name.startsWith('own ') ||
    name.startsWith('ring') ||
    name.endsWith('counters') ||
    name === 'identities' ||
    name === 'kernel ring'
  );
}

/** @throws Error when it is not what it says */
function readHandover(handover: Handover): Pick<PredecessorParts, 'versions' | 'descriptors'> {
  const { versions, descriptors: names } = parseHandoverState(handover.data);
  if (names.length !== handover.descriptors.length || new Set(names).size !== names.length) {
    throw new Error(`${handover.descriptors.length} descriptors came, not ${names.length}`);
  }
  const descriptors: Descriptors = Object.fromEntries(
    names.map((name, i) => [name, handover.descriptors[i]]),
  );
  return { versions, descriptors };
}

function endProcess(pidfd: number): void {
  try {
    killProcess(pidfd);
  } catch {
    // It has ended.
  }
}
