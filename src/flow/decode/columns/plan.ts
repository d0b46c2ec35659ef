import { COLUMNS } from '../../model/columns.ts';
import type { FlowBatch } from '../../model/flow-batch.ts';
import { findField } from '../field-values.ts';
import type { TunnelLayer } from '../headers/header-parser.ts';
import { type RateReader, rateReader } from '../rate-reader.ts';
import type { Template, TemplateField } from '../template.ts';
import {
  etypesOfAddresses,
  etypesOfOneVersion,
  etypesOfVersions,
  fragmentFlags,
  icmpOfNumbers,
  icmpOfPorts,
  mplsLabels,
} from './derived.ts';
import { addressKernel, type ExtraColumn, extraKernel, hasValue } from './extra-columns.ts';
import { type Kernel, macKernel, u8Kernel, u16Kernel, u32Kernel, u64Kernel } from './kernels.ts';
import { PacketSections } from './packet-sections.ts';
import { Scratch } from './scratch.ts';
import { ADDRESS_SOURCES, ELEMENT, NUMBER_SOURCES, TIME_SOURCES } from './sources.ts';
import {
  durationKernel,
  type MessageClock,
  type TimeForm,
  timeKernel,
  uptimeSinceKernel,
} from './time-kernels.ts';

/** How records of a template become rows. */
export interface Plan {
  readonly kernels: readonly Kernel[];
  /** Records tell their sampling rate; undefined when they do not. */
  readonly rate: RateReader | undefined;
  /** The sampler of each record. */
  readonly sampler: TemplateField | undefined;
}

const KIND_OF = new Map<string, string>(COLUMNS.map(({ key, kind }) => [key, kind]));

/** Makes plans for templates: which kernels fill which columns of a batch. */
export class Planner {
  readonly #batch: FlowBatch;
  readonly #clock: MessageClock;
  readonly #extras: readonly ExtraColumn[];
  readonly #scratch: Scratch;
  readonly #sections: PacketSections;

  /** @param tunnelLayer of sampled packets that carry others */
  constructor(
    batch: FlowBatch,
    clock: MessageClock,
    extras: readonly ExtraColumn[],
    tunnelLayer?: TunnelLayer,
  ) {
    this.#batch = batch;
    this.#scratch = new Scratch(batch.capacity);
    this.#sections = new PacketSections(batch.columns, tunnelLayer);
    this.#clock = clock;
    this.#extras = extras;
  }

  plan(template: Template): Plan {
    const kernels = [
      ...this.#sections.kernels(template),
      ...this.#numbers(template),
      ...this.#addresses(template),
      ...this.#times(template),
      ...this.#etypes(template),
      ...this.#icmp(template),
      ...this.#own(template),
    ];
    const sampler = findField(template, ELEMENT.flowSamplerId, ELEMENT.selectorId);
    return { kernels, rate: rateReader(template), sampler };
  }

  #numbers(template: Template): Kernel[] {
    const { columns } = this.#batch;
    return Object.entries(NUMBER_SOURCES).flatMap(([key, ids]) => {
      const kernels = fieldsOf(template, ids).map((field, i) =>
        this.#number(key as keyof typeof NUMBER_SOURCES, field, i > 0),
      );
      const [first] = fieldsOf(template, ids);
      if (key === 'mplsLabel' && first) kernels.push(mplsLabels(columns, first.length));
      if (key === 'ipFlags' && first) kernels.push(fragmentFlags(columns));
      return kernels.filter((kernel) => kernel !== undefined);
    });
  }

  #number(
    key: keyof typeof NUMBER_SOURCES,
    field: TemplateField,
    whereZero: boolean,
  ): Kernel | undefined {
    const scratch = this.#scratch;
    const out = this.#batch.columns[key];
    switch (KIND_OF.get(key)) {
      case 'u8': {
        const make = (memory: Uint8Array) => u8Kernel(field, memory);
        return whereZero ? scratch.numbers('u8', out as Uint8Array, make) : make(out as Uint8Array);
      }
      case 'u16': {
        const make = (memory: Uint16Array) => u16Kernel(field, memory);
        return whereZero
          ? scratch.numbers('u16', out as Uint16Array, make)
          : make(out as Uint16Array);
      }
      case 'u32': {
        const make = (memory: Uint32Array) => u32Kernel(field, memory);
        return whereZero
          ? scratch.numbers('u32', out as Uint32Array, make)
          : make(out as Uint32Array);
      }
      default: {
        const isMac = KIND_OF.get(key) === 'mac';
        if (isMac && field.length !== 6) return undefined;
        const make = (memory: FlowBatch['columns']['bytes']) =>
          isMac ? macKernel(field, memory) : u64Kernel(field, memory);
        const pairs = out as FlowBatch['columns']['bytes'];
        return whereZero ? scratch.wordPairs(pairs, make) : make(pairs);
      }
    }
  }

  #addresses(template: Template): Kernel[] {
    return Object.entries(ADDRESS_SOURCES).flatMap(([key, ids]) => {
      const out = this.#batch.columns[key as keyof typeof ADDRESS_SOURCES];
      return fieldsOf(template, ids).flatMap((field, i) => {
        const make = (memory: Uint32Array) => addressKernel(field, memory);
        return (i > 0 ? this.#scratch.addresses(out, make) : make(out)) ?? [];
      });
    });
  }

  #times(template: Template): Kernel[] {
    const { timeFlowStart, timeFlowEnd } = this.#batch.columns;
    const kernels = Object.entries(TIME_SOURCES).flatMap(([key, sources]) => {
      const out = this.#batch.columns[key as keyof typeof TIME_SOURCES];
      const present = sources.flatMap(([id, form]) =>
        fieldsOf(template, [id]).map((field) => ({ field, form })),
      );
      return present.flatMap(({ field, form }, i) => {
        const make = (memory: Float64Array) => this.#time(template, field, form, memory);
        return (i > 0 ? this.#scratch.numbers('time', out, make) : make(out)) ?? [];
      });
    });
    for (const [id, perMs] of [
      [ELEMENT.flowDurationMilliseconds, 1],
      [ELEMENT.flowDurationMicroseconds, 1000],
    ] as const) {
      const field = findField(template, id);
      if (field) kernels.push(durationKernel(field, timeFlowStart, timeFlowEnd, perMs));
    }
    return kernels;
  }

  #time(
    template: Template,
    field: TemplateField,
    form: TimeForm,
    out: Float64Array,
  ): Kernel | undefined {
    const start = findField(template, ELEMENT.systemInitTimeMilliseconds);
    if (form === 'uptime' && template.version === 10 && start)
      return uptimeSinceKernel(field, start, out);
    return timeKernel(field, form, template.version, out, this.#clock);
  }

  #etypes(template: Template): Kernel[] {
    const { columns } = this.#batch;
    const kernels: Kernel[] = [];
    const version = findField(template, ELEMENT.ipVersion);
    if (version && !findField(template, ...NUMBER_SOURCES.etype)) {
      kernels.push(u16Kernel(version, columns.etype), etypesOfVersions(columns));
    }
    const hasIpv4 = findField(template, 8, 12) !== undefined;
    const hasIpv6 = findField(template, 27, 28) !== undefined;
    if (hasIpv4 && hasIpv6) kernels.push(etypesOfAddresses(columns));
    else if (hasIpv4 || hasIpv6) kernels.push(etypesOfOneVersion(columns, hasIpv4 ? 4 : 6));
    return kernels;
  }

  #icmp(template: Template): Kernel[] {
    const { columns } = this.#batch;
    const numbers = this.#scratch.u16;
    const kernels = fieldsOf(template, [
      ELEMENT.icmpTypeCodeIpv4,
      ELEMENT.icmpTypeCodeIpv6,
    ]).flatMap(
      (field) => [u16Kernel(field, numbers), icmpOfNumbers(columns, numbers)] satisfies Kernel[],
    );
    const { icmpType, icmpCode } = NUMBER_SOURCES;
    if (kernels.length > 0 || findField(template, ...icmpType, ...icmpCode)) return kernels;
    return findField(template, 4) && findField(template, 11) ? [icmpOfPorts(columns)] : [];
  }

  /** The user's own columns. */
  #own({ fields, version }: Template): Kernel[] {
    const batch = this.#batch;
    return this.#extras.flatMap((extra, i) => {
      const field = fields.find(
        (one) =>
          one.id === extra.element &&
          one.pen === extra.enterprise &&
          hasValue(one) &&
          version !== 5,
      );
      const out = batch.extras[i];
      if (field === undefined || out === undefined) return [];
      return extraKernel(extra, field, version, out, batch, this.#clock) ?? [];
    });
  }
}

/** The fields of IANA elements that a template has, in the order of the elements. */
function fieldsOf(template: Template, ids: readonly number[]): TemplateField[] {
  return ids.flatMap((id) => findField(template, id) ?? []);
}
