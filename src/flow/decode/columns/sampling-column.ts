import type { FlowProtocol } from '../../model/packets.ts';
import { PROTOCOL_WORD, ProtocolCounts } from '../counters.ts';
import { fieldNumber } from '../field-values.ts';
import type { MessageHeader } from '../record-consumer.ts';
import type { Exporter, Session } from '../session.ts';
import type { RecordSet } from '../template.ts';
import type { Plan } from './plan.ts';
import { type SamplingOverride, SamplingOverrides } from './sampling-overrides.ts';

/** Sampling interval of a v5 header: what is below its two bits of mode. */
const NETFLOW5_INTERVAL = 0x3fff;

/** Fills column samplingRate: by what the user says, the record, the header of v5, or options, in this order. */
export class SamplingColumn {
  readonly #out: Uint32Array;
  readonly #counts: Readonly<Record<FlowProtocol, ProtocolCounts>>;
  readonly #overrides: SamplingOverrides | undefined;
  readonly #overridden = new WeakMap<Exporter, number>();

  /** @param counters memory of DECODE_COUNTERS */
  constructor(out: Uint32Array, counters: Float64Array, overrides: readonly SamplingOverride[]) {
    this.#out = out;
    this.#overrides = overrides.length > 0 ? new SamplingOverrides(overrides) : undefined;
    this.#counts = {
      netflow5: new ProtocolCounts(counters, 'netflow5'),
      netflow9: new ProtocolCounts(counters, 'netflow9'),
      ipfix: new ProtocolCounts(counters, 'ipfix'),
      sflow: new ProtocolCounts(counters, 'sflow'),
    };
  }

  /** Fills rows, the first one with what the record at `from` says. */
  fill(
    plan: Plan,
    { sampling, protocol }: MessageHeader,
    session: Session,
    set: RecordSet,
    from: number,
    count: number,
    row: number,
  ): void {
    const common = this.#overrideOf(session.exporter) || sampling & NETFLOW5_INTERVAL;
    const isSame = common !== 0 || (plan.rate === undefined && plan.sampler === undefined);
    const unknown = isSame
      ? this.#same(common || session.samplingRate(0), count, row)
      : this.#each(plan, session, set, from, count, row);
    if (unknown > 0) this.#counts[protocol].bump(PROTOCOL_WORD.samplingUnknown, unknown);
  }

  /** @returns how many are unknown */
  #same(rate: number, count: number, row: number): number {
    const out = this.#out;
    for (let i = row; i < row + count; i++) out[i] = rate;
    return rate === 0 ? count : 0;
  }

  /** @returns how many are unknown */
  #each(
    { rate, sampler }: Plan,
    session: Session,
    set: RecordSet,
    from: number,
    count: number,
    row: number,
  ): number {
    const out = this.#out;
    let unknown = 0;
    let lastSampler = -1;
    let ofSampler = 0;
    for (let i = 0; i < count; i++) {
      const samplerId = sampler ? fieldNumber(set, from + i, sampler) : 0;
      if (samplerId !== lastSampler) {
        lastSampler = samplerId;
        ofSampler = session.samplingRate(samplerId);
      }
      const found = rate?.(set, from + i) || ofSampler;
      out[row + i] = found;
      if (found === 0) unknown++;
    }
    return unknown;
  }

  #overrideOf(exporter: Exporter): number {
    if (this.#overrides === undefined) return 0;
    const known = this.#overridden.get(exporter);
    if (known !== undefined) return known;
    const rate = this.#overrides.rateOf(exporter.address);
    this.#overridden.set(exporter, rate);
    return rate;
  }
}
