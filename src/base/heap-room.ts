/**
 * Whether there is room in the heap for more. V8 ends the process when there is none, and the packets of a proxy that is
 * started again and again: what may be large asks before it goes on.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FloxyError } from './errors.ts';

/** Of one thread, in bytes. */
export interface Heap {
  /** With what nobody needs any more and has not been collected. */
  used(): number;
  /** What it has of the system's memory, in use or not. */
  committed(): number;
  /** V8 ends the process when what stays needs more (`--max-old-space-size`, else a part of the memory of the host). */
  limit(): number;
  /** Collects what nobody needs, and gives the memory back to the system. */
  collect(): void;
}

/** Near its limit V8 does little but collect, and gives up when that brings little: this part is left alone. */
const SPARE_PART = 1 / 4;

/** After a collection there must be this part more than is needed, so that few of them are made. */
const STEP_PART = 1 / 16;

/** Work that asks again and again needs no more than this until it asks the next time: some milliseconds of it. */
export const STEP_BYTES: number = 8 * 1024 * 1024;

const MIB = 1024 * 1024;

const SEMI_SPACES = 3;
const SEMI_SPACE_SWITCH = '--max-semi-space-size=';
const USUAL_SEMI_SPACE_MIB = 64;

export const THREAD_HEAP: Heap = {
  used: () => getHeapStatistics().used_heap_size,
  committed: () => getHeapStatistics().total_heap_size,
  limit: () => limitWithoutYoung(getHeapStatistics().heap_size_limit, process.execArgv),
  collect: () => collector()({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
};

/**
 * @param bytes that are going to be needed besides what is in use
 * @returns why there is no room for them and what to do; undefined when there is
 */
export function heapProblem(bytes: number, heap: Heap = THREAD_HEAP): string | undefined {
  const old = heap.limit();
  const usable = old * (1 - SPARE_PART);
  if (heap.used() + bytes <= usable) return undefined;
  heap.collect();
  const used = heap.used();
  if (used + bytes + usable * STEP_PART <= usable) return undefined;
  const double = mib(old * 2);
  return `not enough memory: ${mib(used)} MiB of the heap are in use, ${mib(bytes)} more are needed, and ${mib(usable)} of the ${mib(old)} that Node.js allows can be used; start the service with a higher limit (such as NODE_OPTIONS=--max-old-space-size=${double}, in MiB) on a host that has the memory`;
}

/** @throws FloxyError LIMIT_EXCEEDED when there is no room: see heapProblem() */
export function checkHeapRoom(bytes: number = STEP_BYTES): void {
  const problem = heapProblem(bytes);
  if (problem === undefined) return;
  throw new FloxyError('LIMIT_EXCEEDED', `${problem}, or send less at once`);
}

/**
 * What V8 keeps for young objects is no room for those that stay: three semi-spaces, by which heap_size_limit of Node.js 24 is
 * more than --max-old-space-size.
 *
 * @param limit bytes @param switches of Node.js
 */
export function limitWithoutYoung(limit: number, switches: readonly string[]): number {
  const given = switches.findLast((name) => name.startsWith(SEMI_SPACE_SWITCH));
  const semiSpace = Number(given?.slice(SEMI_SPACE_SWITCH.length) ?? USUAL_SEMI_SPACE_MIB);
  // It may have been set where it is not seen.
  return Math.max(limit - SEMI_SPACES * semiSpace * MIB, limit / 4);
}

function mib(bytes: number): number {
  return Math.ceil(bytes / MIB);
}

/** V8's own, of its tests: the flavour for when there is nothing left also gives back what is free. */
type Collector = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

let knownCollector: Collector | undefined;

/** Node.js gives it to contexts that are made after the switch was set. */
function collector(): Collector {
  if (knownCollector === undefined) {
    setFlagsFromString('--expose-gc');
    knownCollector = runInNewContext('gc') as Collector;
    setFlagsFromString('--no-expose-gc');
  }
  return knownCollector;
}
