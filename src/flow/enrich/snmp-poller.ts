import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { AddressTable } from './address-table.ts';
import { formatWords, Prefixes } from './address-words.ts';
import type { EnrichCounters } from './enricher.ts';
import type { ExporterNames } from './exporter-names.ts';
import type { SnmpOptions } from './options.ts';
import { type Answer, askExporter } from './snmp-session.ts';

const MAX_TARGETS = 8192;
/** Interfaces in one question: with three names each, the answer fits a datagram. */
const INTERFACES_AT_ONCE = 6;
const MAX_WAITING_OF_ONE = 8192;
/** More questions than this are not asked, however many records come. */
const QUESTIONS_PER_SECOND = 50;
const FIRST_DELAY_MS = 30_000;

/** An exporter that may be asked. */
interface Target {
  readonly words: Uint32Array;
  readonly address: string;
  /** Interfaces that it was not asked for yet. */
  readonly waiting: Set<number>;
  /** Those that it was asked for: asked again when their names have become old. */
  readonly asked: Set<number>;
  /** When the oldest of them was asked. */
  askedMs: number;
  failures: number;
  /** It is left alone until then. */
  quietUntilMs: number;
  isQueued: boolean;
}

export interface SnmpPollerParts {
  readonly options: SnmpOptions;
  readonly names: ExporterNames;
  readonly counters: EnrichCounters;
  readonly log: Logger;
  /** Replaced in tests. */
  readonly ask?: typeof askExporter;
  readonly now?: () => number;
}

/**
 * Asks exporters what they and their interfaces are called, when records of them come: a few questions at a time, those
 * that do not answer more and more seldom. Flow never waits for it.
 */
export class SnmpPoller {
  readonly #parts: SnmpPollerParts;
  readonly #ask: typeof askExporter;
  readonly #now: () => number;
  readonly #allowed: Prefixes;
  readonly #targets = new AddressTable<Target>(MAX_TARGETS);
  readonly #queue: Target[] = [];
  #running = 0;
  #questionsLeft = QUESTIONS_PER_SECOND;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: SnmpPollerParts) {
    this.#parts = parts;
    this.#ask = parts.ask ?? askExporter;
    this.#now = parts.now ?? Date.now;
    this.#allowed = new Prefixes(parts.options.exporters);
  }

  start(): void {
    this.#timer = setInterval(() => this.#everySecond(), 1000).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  /** A record names an interface of which nothing is known. It is, from now on: nothing, until there is an answer. */
  want(exporter: Uint32Array, at: number, index: number): void {
    if (!this.#allowed.has(exporter, at)) return;
    const { names } = this.#parts;
    const nothing = { source: 'nobody', name: '', description: '' } as const;
    if (!names.nameInterface(exporter, at, index, nothing)) return;
    const target = this.#findOrAdd(exporter, at);
    if (target.waiting.size >= MAX_WAITING_OF_ONE) return;
    target.asked.delete(index);
    target.waiting.add(index);
    this.#queueWhenDue(target);
  }

  #findOrAdd(exporter: Uint32Array, at: number): Target {
    const known = this.#targets.get(exporter, at);
    if (known !== undefined) return known;
    const words = exporter.slice(at, at + 4);
    const target: Target = {
      words,
      address: formatWords(words),
      waiting: new Set(),
      asked: new Set(),
      askedMs: this.#now(),
      failures: 0,
      quietUntilMs: 0,
      isQueued: false,
    };
    this.#targets.add(words, 0, target);
    return target;
  }

  #everySecond(): void {
    this.#questionsLeft = QUESTIONS_PER_SECOND;
    const oldMs = this.#now() - this.#parts.options.refresh_seconds * 1000;
    for (const target of this.#targets.values()) {
      if (target.asked.size > 0 && target.askedMs <= oldMs) {
        for (const index of target.asked) target.waiting.add(index);
        target.asked.clear();
      }
      this.#queueWhenDue(target);
    }
    this.#work();
  }

  #queueWhenDue(target: Target): void {
    if (target.isQueued || target.waiting.size === 0) return;
    if (target.quietUntilMs > this.#now()) return;
    target.isQueued = true;
    this.#queue.push(target);
    this.#work();
  }

  #work(): void {
    const { concurrency } = this.#parts.options;
    while (!this.#isStopped && this.#running < concurrency && this.#questionsLeft > 0) {
      const target = this.#queue.shift();
      if (target === undefined) return;
      this.#running++;
      this.#questionsLeft--;
      void this.#question(target).finally(() => {
        this.#running--;
        target.isQueued = false;
        this.#queueWhenDue(target);
        this.#work();
      });
    }
  }

  async #question(target: Target): Promise<void> {
    const { options, counters, log } = this.#parts;
    const indexes = [...target.waiting].slice(0, INTERFACES_AT_ONCE);
    counters.snmpRequests++;
    try {
      this.#take(target, await this.#ask(target.address, indexes, options));
      target.failures = 0;
      if (target.asked.size === 0) target.askedMs = this.#now();
      for (const index of indexes) {
        target.waiting.delete(index);
        target.asked.add(index);
      }
    } catch (error) {
      counters.snmpFailures++;
      const delayMs = Math.min(
        FIRST_DELAY_MS * 2 ** target.failures++,
        options.refresh_seconds * 1000,
      );
      target.quietUntilMs = this.#now() + delayMs;
      const details = { exporter: target.address, error: messageOf(error), delayMs };
      const level = target.failures === 1 ? 'warn' : 'debug';
      log[level](details, 'an exporter does not answer by SNMP');
    }
  }

  #take({ words }: Target, { name, interfaces }: Answer): void {
    const { names } = this.#parts;
    if (name !== '') names.nameExporter(words, 0, name);
    for (const { index, ...told } of interfaces) {
      names.nameInterface(words, 0, index, { source: 'snmp', ...told });
    }
  }
}
