import { AddressTable } from './address-table.ts';
import type { EnrichCounters } from './enricher.ts';
import { Label } from './label.ts';
import type { NameOptions } from './options.ts';

const MAX_EXPORTERS = 16_384;
const MAX_INTERFACES_OF_ONE = 8192;
const MAX_INTERFACES = 262_144;
const MAX_NAME_LENGTH = 255;

/** Who says so; the later ones know better. */
export const SOURCES = ['nobody', 'snmp', 'options'] as const;
export type Source = (typeof SOURCES)[number];

/** What one exporter is called, and its interfaces by index. */
export interface Exporter {
  readonly label: Label;
  readonly interfaces: Map<number, InterfaceLabel>;
}

/** The name of an interface, and who says so. */
export class InterfaceLabel extends Label {
  source: Source = 'nobody';
}

/** What exporters and SNMP say of names. Bounded: exporters of which nothing was seen for the longest time go first. */
export class ExporterNames {
  readonly #show: NameOptions['show'];
  readonly #counters: EnrichCounters;
  readonly #exporters = new AddressTable<Exporter>(MAX_EXPORTERS, (gone) => {
    this.#counters.interfaces -= gone.interfaces.size;
  });

  constructor(show: NameOptions['show'], counters: EnrichCounters) {
    this.#show = show;
    this.#counters = counters;
  }

  /** @param at where the first of the four words of its address is */
  find(exporter: Uint32Array, at: number): Exporter | undefined {
    return this.#exporters.get(exporter, at);
  }

  nameExporter(exporter: Uint32Array, at: number, name: string): void {
    this.#findOrAdd(exporter, at).label.text = name.slice(0, MAX_NAME_LENGTH);
  }

  /** What a graver source has said stays. @returns whether there is room for it */
  nameInterface(
    exporter: Uint32Array,
    at: number,
    index: number,
    told: { readonly source: Source; readonly name: string; readonly description: string },
  ): boolean {
    const { interfaces } = this.#findOrAdd(exporter, at);
    let label = interfaces.get(index);
    if (label === undefined) {
      const isFull = interfaces.size >= MAX_INTERFACES_OF_ONE;
      if (isFull || this.#counters.interfaces >= MAX_INTERFACES) {
        this.#counters.namesRefused++;
        return false;
      }
      label = new InterfaceLabel();
      interfaces.set(index, label);
      this.#counters.interfaces++;
    }
    if (SOURCES.indexOf(told.source) < SOURCES.indexOf(label.source)) return true;
    const text = this.#chosen(told.name, told.description).slice(0, MAX_NAME_LENGTH);
    if (label.text !== text) label.text = text;
    label.source = told.source;
    return true;
  }

  #chosen(name: string, description: string): string {
    return this.#show === 'name' ? name || description : description || name;
  }

  #findOrAdd(address: Uint32Array, at: number): Exporter {
    const known = this.#exporters.get(address, at);
    if (known !== undefined) return known;
    const exporter = { label: new Label(), interfaces: new Map() };
    this.#exporters.add(address, at, exporter);
    this.#counters.exporters = this.#exporters.size;
    return exporter;
  }
}
