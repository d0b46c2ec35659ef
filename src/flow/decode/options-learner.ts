import type { NameListener } from '../model/name-listener.ts';
import { EntryBudget } from './entry-budget.ts';
import { fieldNumber, fieldText, findField } from './field-values.ts';
import type { NetflowExporter, NetflowSession } from './netflow-session.ts';
import { type RateReader, rateReader } from './rate-reader.ts';
import { SamplingRates } from './sampling-rates.ts';
import type { StateKeeper } from './state-keeper.ts';
import type { RecordSet, Template, TemplateField } from './template.ts';

/** Interface names of one exporter that are remembered, so that only news are kept on disk. */
const MAX_INTERFACES = 4096;
const MAX_NAME = 255;
/** Rates and names of all exporters together. */
const MAX_ENTRIES = 200_000;

/** Scope type of NetFlow v9: an interface (RFC 3954 section 6.1). */
const SCOPE_INTERFACE = 2;

interface Plan {
  readonly rate: RateReader | undefined;
  readonly sampler: TemplateField | undefined;
  readonly interface: TemplateField | undefined;
  readonly name: TemplateField | undefined;
  readonly description: TemplateField | undefined;
  readonly systemInit: TemplateField | undefined;
}

/** Learns from option records what flow records do not say: sampling rates, names of interfaces, start of exporters. */
export class OptionsLearner {
  readonly #plans = new WeakMap<Template, Plan>();
  readonly #budget = new EntryBudget(MAX_ENTRIES);
  readonly #names: NameListener | undefined;
  readonly #keeper: StateKeeper | undefined;

  constructor(names: NameListener | undefined, keeper: StateKeeper | undefined) {
    this.#names = names;
    this.#keeper = keeper;
  }

  /** Takes the records of one set. */
  learn(session: NetflowSession, template: Template, set: RecordSet): void {
    let plan = this.#plans.get(template);
    if (plan === undefined) {
      plan = makePlan(template);
      this.#plans.set(template, plan);
    }
    for (let i = 0; i < set.count; i++) {
      if (plan.rate !== undefined)
        this.#rate(
          session,
          plan.rate(set, i),
          plan.sampler ? fieldNumber(set, i, plan.sampler) : 0,
        );
      if (plan.interface !== undefined) this.#interface(session, plan, set, i);
      if (plan.systemInit !== undefined)
        session.systemInitMs = fieldNumber(set, i, plan.systemInit);
    }
  }

  /** Gives an exporter what was kept of it. */
  restore(exporter: NetflowExporter): void {
    const kept = this.#keeper?.findOptions(exporter.address);
    if (kept === undefined) return;
    for (const { samplerId, rate } of kept.rates) this.#keepRate(exporter, samplerId, rate, false);
    for (const { index, name } of kept.interfaces) {
      this.#keepName(exporter, index, name, false);
      this.#tell(exporter, index, name, '');
    }
  }

  /** A session goes: what was kept of it makes room. It is still among the sessions of its domain. */
  forget({ rates, observationDomain }: NetflowSession): void {
    this.#budget.giveBack(rates?.size ?? 0);
    if (observationDomain.sessions === 1) this.#budget.giveBack(observationDomain.rates?.size ?? 0);
  }

  /** An exporter goes, after all its sessions. */
  forgetExporter({ rates, interfaces }: NetflowExporter): void {
    this.#budget.giveBack((rates?.size ?? 0) + (interfaces?.size ?? 0));
  }

  /** Tells again what is to be kept of a session's exporter. */
  announce(session: NetflowSession): void {
    const { rates, interfaces } = session.exporter;
    for (const [samplerId, rate] of rates?.entries() ?? [])
      this.#keeper?.rateLearnt(session, samplerId, rate);
    for (const [index, name] of interfaces ?? [])
      this.#keeper?.interfaceLearnt(session, index, name);
  }

  #rate(session: NetflowSession, rate: number, samplerId: number): void {
    if (rate === 0) return;
    const { observationDomain, exporter } = session;
    const isStranger = !session.established;
    if (!this.#keepRate(session, samplerId, rate, isStranger)) return;
    this.#keepRate(observationDomain, samplerId, rate, isStranger);
    this.#keepRate(exporter, samplerId, rate, isStranger);
    exporter.ratesEpoch++;
    this.#keeper?.rateLearnt(session, samplerId, rate);
  }

  /** @returns whether that is news, and there was room for it */
  #keepRate(
    of: { rates: SamplingRates | undefined },
    samplerId: number,
    rate: number,
    isStranger: boolean,
  ): boolean {
    of.rates ??= new SamplingRates();
    const { rates } = of;
    if (rates.isFullFor(samplerId)) return false;
    if (!rates.has(samplerId) && !this.#budget.take(isStranger)) return false;
    return rates.learn(samplerId, rate);
  }

  /** @returns whether that is news, and there was room for it */
  #keepName(exporter: NetflowExporter, index: number, name: string, isStranger: boolean): boolean {
    exporter.interfaces ??= new Map();
    const { interfaces } = exporter;
    const known = interfaces.get(index);
    if (known === name) return false;
    const isFull = interfaces.size >= MAX_INTERFACES;
    if (known === undefined && (isFull || !this.#budget.take(isStranger))) return false;
    interfaces.set(index, name);
    return true;
  }

  #interface(session: NetflowSession, plan: Plan, set: RecordSet, record: number): void {
    const { interface: of, name: nameField, description: descriptionField } = plan;
    if (of === undefined) return;
    const index = fieldNumber(set, record, of);
    const name = nameField ? fieldText(set, record, nameField).slice(0, MAX_NAME) : '';
    const description = descriptionField
      ? fieldText(set, record, descriptionField).slice(0, MAX_NAME)
      : '';
    if (index > 0xffff_ffff || (name === '' && description === '')) return;
    this.#tell(session.exporter, index, name, description);
    if (this.#keepName(session.exporter, index, name || description, !session.established)) {
      this.#keeper?.interfaceLearnt(session, index, name || description);
    }
  }

  #tell(exporter: NetflowExporter, index: number, name: string, description: string): void {
    this.#names?.interfaceNamed(Uint32Array.from(exporter.address), index, name, description);
  }
}

function makePlan(template: Template): Plan {
  const name = findField(template, 82);
  const description = findField(template, 83);
  const named = name !== undefined || description !== undefined;
  return {
    rate: rateReader(template),
    sampler: findField(template, 48, 302),
    interface: named ? interfaceField(template) : undefined,
    name,
    description,
    systemInit: findField(template, 160),
  };
}

/** The field that says which interface has the name: ingressInterface (10), egressInterface (14), or a scope of v9. */
function interfaceField(template: Template): TemplateField | undefined {
  const scope = template.fields.find(
    ({ scope, id }) => template.version === 9 && scope && id === SCOPE_INTERFACE,
  );
  return scope ?? findField(template, 10, 14, 252, 253);
}
