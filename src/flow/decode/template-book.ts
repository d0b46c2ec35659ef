import { COMMON_WORD, type ProtocolCounts } from './counters.ts';
import type { DecodeLimits } from './limits.ts';
import type { NetflowSession } from './netflow-session.ts';
import { RateLimit } from './rate-limit.ts';
import type { StateKeeper } from './state-keeper.ts';
import type { Template } from './template.ts';
import { parseTemplate, readTemplateHead, type TemplateShape, viewOf } from './template-parser.ts';

/** Templates that are shared by content, and fields of all of them. */
const SHARED = 8192;
const SHARED_FIELDS = 250_000;
/** How long a template that the store does not have is not asked for again: milliseconds. */
const ASK_AGAIN_MS = 5000;
/** Template ids of a session for which that is remembered. */
const MAX_NOT_STORED = 64;
/** Templates of strangers that nobody has sent before: a second, and at once. */
const STRANGERS_PER_SECOND = 1000;
const STRANGERS_BURST = 8192;

/** Who can make room by forgetting a session. */
export interface RoomMaker {
  dropOldestNewcomer(except: NetflowSession): boolean;
}

/** All templates of all sessions: learnt, found, withdrawn, bounded. */
export class TemplateBook {
  /** Templates that have come, from exporters or from the store: sets may have waited for them. Who uses them empties it. */
  readonly arrived: Template[] = [];
  readonly #limits: DecodeLimits;
  readonly #counters: Float64Array;
  readonly #keeper: StateKeeper | undefined;
  readonly #room: RoomMaker;
  readonly #shared = new Map<string, Template>();
  #sharedFields = 0;
  readonly #strangers = new RateLimit(STRANGERS_PER_SECOND, STRANGERS_BURST);
  #fields = 0;
  #newcomersFields = 0;

  constructor(
    limits: DecodeLimits,
    counters: Float64Array,
    room: RoomMaker,
    keeper: StateKeeper | undefined,
  ) {
    this.#limits = limits;
    this.#counters = counters;
    this.#room = room;
    this.#keeper = keeper;
  }

  /** The template for a data set: of its session, else of another port, else of the store. */
  find(
    session: NetflowSession,
    id: number,
    counts: ProtocolCounts,
    nowMs: number,
  ): Template | undefined {
    const own = session.templates.get(id);
    if (own !== undefined) return own;
    const other = session.observationDomain.newest.get(id);
    if (other !== undefined) {
      counts.add('templatesFromOtherPort');
      return other.template;
    }
    return this.#findKept(session, id, counts, nowMs);
  }

  /** Takes a template record that is whole, and not the one that its session has, unless a limit refuses it. */
  learn(
    session: NetflowSession,
    record: Uint8Array,
    shape: TemplateShape,
    counts: ProtocolCounts,
    nowMs: number,
  ): void {
    const head = readTemplateHead(viewOf(record), 0, shape);
    const before = session.templates.get(head.id);
    const limits = this.#limits;
    const full = session.templates.size >= limits.templatesPerSession;
    const refused =
      !session.kept ||
      head.fieldCount > limits.fieldsPerTemplate ||
      (before === undefined && full) ||
      !this.#makeRoom(session, head.fieldCount);
    const template = refused ? undefined : this.#share(session, record, shape, nowMs);
    if (template === undefined) {
      counts.add('templatesRefused');
      return;
    }
    if (template.recordLength === 0) counts.add('emptyTemplates');
    counts.add('templatesLearnt');
    this.#enter(session, template);
    this.arrived.push(template);
    this.#keeper?.templateLearnt(session, template);
  }

  /** Forgets one template, as its exporter has asked for. */
  withdraw(session: NetflowSession, id: number, counts: ProtocolCounts): void {
    const template = session.templates.get(id);
    if (template === undefined) return;
    this.#remove(session, template);
    counts.add('templatesWithdrawn');
    this.#keeper?.templateWithdrawn(session, template);
  }

  /** Forgets all templates of a kind, as their exporter has asked for. */
  withdrawAll(session: NetflowSession, kind: Template['kind'], counts: ProtocolCounts): void {
    for (const template of [...session.templates.values()]) {
      if (template.kind === kind) this.withdraw(session, template.id, counts);
    }
  }

  /** A session is established: its templates count no longer as those of newcomers. */
  established(session: NetflowSession): void {
    for (const { fields } of session.templates.values()) this.#newcomersFields -= fields.length;
  }

  /** Tells again which templates of a session are to be kept. */
  announce(session: NetflowSession): void {
    for (const template of session.templates.values())
      this.#keeper?.templateLearnt(session, template);
  }

  /** A session is forgotten. */
  forget(session: NetflowSession): void {
    for (const template of [...session.templates.values()]) this.#remove(session, template);
  }

  #findKept(
    session: NetflowSession,
    id: number,
    counts: ProtocolCounts,
    nowMs: number,
  ): Template | undefined {
    if (this.#keeper === undefined || !session.kept) return undefined;
    session.notStored ??= new Map();
    const askAgainMs = session.notStored.get(id);
    if (askAgainMs !== undefined && nowMs < askAgainMs) return undefined;
    if (askAgainMs === undefined && session.notStored.size >= MAX_NOT_STORED) return undefined;
    const kept = this.#keeper.findTemplate(session, id);
    if (kept === undefined || !this.#makeRoom(session, kept.raw.length >> 2)) {
      session.notStored.set(id, nowMs + ASK_AGAIN_MS);
      return undefined;
    }
    session.notStored.delete(id);
    const family = session.version === 10 ? 'ipfix' : 'netflow9';
    const template = this.#shareOf(
      kept.raw,
      kept.kind === 'options' ? `${family}-options` : family,
    );
    this.#enter(session, template);
    this.arrived.push(template);
    counts.add('templatesFromStore');
    return template;
  }

  #enter(session: NetflowSession, template: Template): void {
    const before = session.templates.get(template.id);
    if (before !== undefined) this.#remove(session, before);
    session.templates.set(template.id, template);
    session.observationDomain.newest.set(template.id, { template, session });
    this.#account(session, template.fields.length, 1);
  }

  #remove(session: NetflowSession, template: Template): void {
    session.templates.delete(template.id);
    const { newest } = session.observationDomain;
    if (newest.get(template.id)?.session === session) newest.delete(template.id);
    this.#account(session, -template.fields.length, -1);
  }

  #account(session: NetflowSession, fields: number, templates: number): void {
    this.#fields += fields;
    if (!session.established) this.#newcomersFields += fields;
    this.#counters[COMMON_WORD.templates] =
      (this.#counters[COMMON_WORD.templates] as number) + templates;
  }

  #makeRoom(session: NetflowSession, fields: number): boolean {
    const limit = this.#limits.fields;
    if (session.established) return this.#fields + fields <= limit;
    while (this.#newcomersFields + fields > limit / 4) {
      if (!this.#room.dropOldestNewcomer(session)) return false;
    }
    return this.#fields + fields <= limit;
  }

  #share(
    session: NetflowSession,
    record: Uint8Array,
    shape: TemplateShape,
    nowMs: number,
  ): Template | undefined {
    const known = this.#shared.get(contentKey(record, shape));
    if (known !== undefined) return known;
    if (!session.exporter.newTemplates.take(nowMs)) return undefined;
    if (!session.established && !this.#strangers.take(nowMs)) return undefined;
    return this.#shareOf(record.slice(), shape);
  }

  #shareOf(record: Uint8Array, shape: TemplateShape): Template {
    const key = contentKey(record, shape);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const template = parseTemplate(record, shape);
    this.#shared.set(key, template);
    this.#sharedFields += template.fields.length;
    for (const [oldest, { fields }] of this.#shared) {
      if (this.#shared.size <= SHARED && this.#sharedFields <= SHARED_FIELDS) break;
      this.#shared.delete(oldest);
      this.#sharedFields -= fields.length;
    }
    return template;
  }
}

function contentKey(record: Uint8Array, shape: TemplateShape): string {
  return (
    shape + Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('latin1')
  );
}
