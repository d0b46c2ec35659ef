import { addon } from './addon.ts';
import { checkInteger } from './arguments.ts';
import { ACCOUNT } from './ring-layout.ts';
import { READER_STATES_BYTES, readerStateAt } from './ring-memory.ts';
import { check } from './system-call.ts';

/** Behind the account itself. */
const EXTRA = { OWNER: 0, STOP_AT: 1, PID: 2, GENERATION: 3, SILENCE: 4, COUNT: 5 } as const;

/**
 * What a reader has done since it began. At any time, whatever has died:
 * sequence − first = taken + otherPipelines + otherShards + lost, and taken = done + abandoned + what is being worked on.
 */
export interface RingReaderAccount {
  /** Where it is in the ring, in bytes since the ring was made. */
  readonly position: number;
  /** Of the record to come; ringSequence() less this is its lag in records of the ring. */
  readonly sequence: number;
  /** The sequence at which it began. */
  readonly first: number;
  /** Packets handed to the worker, and the bytes of their payloads. */
  readonly taken: number;
  readonly bytes: number;
  /** Packets whose batch was finished, and those that were being worked on when the process died. */
  readonly done: number;
  readonly abandoned: number;
  /** Records that were for other pipelines, and for other shards of this one. */
  readonly otherPipelines: number;
  readonly otherShards: number;
  /** Records overwritten before they were looked at, whomever they were for. */
  readonly lost: number;
  /** Of these, the ones of this pipeline and shard: exact when the pipeline has one shard, else by its share. */
  readonly ownLost: number;
  /** Of taken: datagrams that were longer than the packet buffer of the forwarder. */
  readonly truncated: number;
  /** How often the ring was damaged; anything but 0 is a defect. */
  readonly resyncs: number;
  readonly owner: number;
  /** Looks at no record from this sequence on; 0 = no limit. */
  readonly stopAt: number;
  /** Of the process that ran it last. */
  readonly pid: number;
  /** How many processes have run it. */
  readonly generation: number;
  /** Milliseconds since take() was called last. */
  readonly silenceMs: number;
}

/** What all readers of one ring keep in shared memory, as control sees it. */
export class RingReaderStates {
  readonly #memory: ArrayBuffer;
  readonly #words = new Float64Array(ACCOUNT.DOUBLES + EXTRA.COUNT);

  /** @param memory mapAll() of createReaderStates(), writable */
  constructor(memory: ArrayBuffer) {
    checkInteger(
      'bytes of states',
      memory.byteLength,
      READER_STATES_BYTES,
      Number.MAX_SAFE_INTEGER,
    );
    this.#memory = memory;
  }

  /** Whole, while the reader goes on. Undefined when it has never run. */
  account(pipeline: number, shard: number): RingReaderAccount | undefined {
    const words = this.#words;
    if (addon().ringAccount(this.#memory, readerStateAt(pipeline, shard), words) < 0)
      return undefined;
    const word = (index: number) => words[index] ?? 0;
    const extra = (index: number) => word(ACCOUNT.DOUBLES + index);
    return {
      position: word(ACCOUNT.POSITION),
      sequence: word(ACCOUNT.SEQUENCE),
      first: word(ACCOUNT.FIRST),
      taken: word(ACCOUNT.TAKEN),
      bytes: word(ACCOUNT.BYTES),
      done: word(ACCOUNT.DONE),
      abandoned: word(ACCOUNT.ABANDONED),
      otherPipelines: word(ACCOUNT.OTHER_PIPELINES),
      otherShards: word(ACCOUNT.OTHER_SHARDS),
      lost: word(ACCOUNT.LOST),
      ownLost: word(ACCOUNT.OWN_LOST),
      truncated: word(ACCOUNT.TRUNCATED),
      resyncs: word(ACCOUNT.RESYNCS),
      owner: extra(EXTRA.OWNER),
      stopAt: extra(EXTRA.STOP_AT),
      pid: extra(EXTRA.PID),
      generation: extra(EXTRA.GENERATION),
      silenceMs: extra(EXTRA.SILENCE),
    };
  }

  /**
   * Has a reader look at no record from this sequence on: it has stopped when its account's sequence is there. To move
   * exporters between shards in order: choose a sequence ahead of ringSequence(), set it for all shards of the pipeline,
   * wait until all are there, beginAt() for those that come, change shardOfSlot, and take the limit away.
   *
   * @param sequence 0 = no limit
   */
  stopAt(pipeline: number, shard: number, sequence: number): void {
    checkInteger('sequence', sequence, 0, Number.MAX_SAFE_INTEGER);
    addon().ringStopAt(this.#memory, readerStateAt(pipeline, shard), sequence);
  }

  /**
   * Has a reader that does not run yet begin behind the newest packet, so that it misses none that comes from now on:
   * before packets are marked for its pipeline. Does nothing when it is of this ring and owner already.
   *
   * @param ring mapAll() of the ring
   * @throws SystemCallError EINVAL when it is no ring
   */
  begin(ring: ArrayBuffer, pipeline: number, shard: number, owner: number): void {
    checkInteger('owner', owner, 0, Number.MAX_SAFE_INTEGER);
    const at = readerStateAt(pipeline, shard);
    check('RingReaderStates.begin', addon().ringBegin(ring, this.#memory, at, pipeline, owner));
  }

  /** Has a shard that does not run begin exactly where another one of the pipeline has stopped, with counters at zero. */
  beginAt(pipeline: number, shard: number, stopped: number, owner: number): void {
    const at = readerStateAt(pipeline, shard);
    addon().ringBeginAt(this.#memory, at, readerStateAt(pipeline, stopped), owner);
  }
}
