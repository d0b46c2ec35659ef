/**
 * Feeds changed datagrams to all decoders, for hours if need be: `npm run fuzz -- --datagrams 10000000 --seed 1`.
 * What it finds is repeated by the same seed. With FLOXY_CAPTURES it begins with what real exporters sent, too.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { fuzz } from './fuzz.ts';
import { heapInUse, MOST_GROWTH } from './heap.ts';

/** A datagram that takes longer hangs. */
const HANGS_AFTER_MS = 60_000;
/** Datagrams after which memory is looked at. */
const LOOK_EVERY = 250_000;

interface Task {
  readonly seed: number;
  readonly datagrams: number;
  /** Which datagram is being decoded. */
  readonly at: Int32Array;
}

// The fuzzer has the main thread: collecting all garbage of a worker makes what runs there slow for good.
if (isMainThread) await main();
else watch(workerData as Task);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      datagrams: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  const at = new Int32Array(new SharedArrayBuffer(4));
  const task: Task = { seed: Number(values.seed), datagrams: Number(values.datagrams), at };
  print(`seed ${task.seed}, ${task.datagrams} datagrams`);
  const watcher = new Worker(new URL(import.meta.url), { workerData: task });
  await once(watcher, 'online');
  try {
    work(task);
  } finally {
    await watcher.terminate();
  }
}

function watch({ seed, at }: Task): void {
  let last = -1;
  let since = Date.now();
  setInterval(() => {
    const number = Atomics.load(at, 0);
    if (number !== last) {
      last = number;
      since = Date.now();
    } else if (Date.now() - since > HANGS_AFTER_MS) {
      // The main thread, which hangs, would write what this thread prints otherwise.
      writeSync(2, `datagram ${number} of seed ${seed} hangs\n`);
      process.kill(process.pid, 'SIGKILL');
    }
  }, 1000);
}

function work({ seed, datagrams, at }: Task): void {
  let first = 0;
  const records = fuzz({
    seed,
    datagrams,
    before: (number) => void Atomics.store(at, 0, number),
    checked: (number) => {
      if (number % LOOK_EVERY !== 0) return;
      const heap = heapInUse();
      first ||= heap;
      print(`${number} datagrams, ${heap >> 20} MiB`);
      if (heap - first > MOST_GROWTH) throw new Error(`memory has grown by ${heap - first} octets`);
    },
  });
  print(`${records} records, nothing is wrong`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
