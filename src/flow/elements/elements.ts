import { parseElements, parseNames } from './catalogue.ts';
import { BARRACUDA_ELEMENTS } from './data/barracuda.ts';
import { CISCO_ELEMENTS } from './data/cisco.ts';
import { GIGAMON_ELEMENTS } from './data/gigamon.ts';
import { IANA_ELEMENTS } from './data/iana.ts';
import { IXIA_ELEMENTS } from './data/ixia.ts';
import {
  NETFLOW9_HIGH_FIELDS,
  NETFLOW9_NAMES,
  NETFLOW9_SCOPES,
  NTOP_NETFLOW9_BASE,
} from './data/netflow9.ts';
import { NETSCALER_ELEMENTS } from './data/netscaler.ts';
import { NIAGARA_ELEMENTS } from './data/niagara.ts';
import { NTOP_ELEMENTS } from './data/ntop.ts';
import { HUAWEI_ELEMENTS, NOKIA_ELEMENTS } from './data/others.ts';
import { PLIXER_ELEMENTS } from './data/plixer.ts';
import { VMWARE_ELEMENTS } from './data/vmware.ts';
import type { Element } from './element.ts';

/** The number under which IANA's elements say the same of the other direction of a biflow (RFC 5103, section 6.1). */
export const REVERSE_PEN = 29305;

/** Elements that are known, by private enterprise number. */
const KNOWN: readonly (readonly [pen: number, lines: string])[] = [
  [0, IANA_ELEMENTS],
  [0, NETFLOW9_HIGH_FIELDS],
  [9, CISCO_ELEMENTS],
  [637, NOKIA_ELEMENTS],
  [2011, HUAWEI_ELEMENTS],
  [3054, IXIA_ELEMENTS],
  [5951, NETSCALER_ELEMENTS],
  [6876, VMWARE_ELEMENTS],
  [10704, BARRACUDA_ELEMENTS],
  [13745, PLIXER_ELEMENTS],
  [26866, GIGAMON_ELEMENTS],
  [35632, NTOP_ELEMENTS],
  [47729, NIAGARA_ELEMENTS],
];
const NTOP_PEN = 35632;

/** Information elements by enterprise number and id: IANA's, those of vendors, and the user's own, which win. */
export class ElementRegistry {
  readonly #elements = new Map<number, Element>();

  /** @param own the user's: new ones, or known ones with another name or type */
  constructor(own: readonly Element[] = []) {
    for (const [pen, lines] of KNOWN) for (const one of parseElements(pen, lines)) this.#add(one);
    for (const one of own) this.#add(one);
  }

  /**
   * @param pen private enterprise number, 0 for none
   * @param id element id without enterprise bit; of NetFlow v9 the whole 16 bits
   * @returns undefined when nothing is known of it
   */
  of(pen: number, id: number): Element | undefined {
    const known = this.#elements.get(elementKey(pen, id));
    if (known) return known;
    if (pen === REVERSE_PEN) return reversed(this.#elements.get(elementKey(0, id)));
    if (pen === 0 && id >= NTOP_NETFLOW9_BASE) {
      const ntop = this.#elements.get(elementKey(NTOP_PEN, id - NTOP_NETFLOW9_BASE));
      return ntop && { ...ntop, pen, id };
    }
    return undefined;
  }

  /** All of them, without reverse ones. */
  [Symbol.iterator](): Iterator<Element> {
    return this.#elements.values();
  }

  #add(element: Element): void {
    this.#elements.set(elementKey(element.pen, element.id), element);
  }
}

let known: ElementRegistry | undefined;

/** An element of IANA or a vendor, see `ElementRegistry.of`. */
export function elementOf(pen: number, id: number): Element | undefined {
  known ??= new ElementRegistry();
  return known.of(pen, id);
}

let netflow9Names: ReadonlyMap<number, string> | undefined;

/** What NetFlow v9 calls a field type; the element's name where it has no other. */
export function netflow9NameOf(id: number): string | undefined {
  netflow9Names ??= parseNames(NETFLOW9_NAMES);
  return netflow9Names.get(id) ?? elementOf(0, id)?.name;
}

let netflow9Scopes: ReadonlyMap<number, string> | undefined;

/** What a scope field type of a NetFlow v9 options template is. They are no elements. */
export function netflow9ScopeOf(id: number): string | undefined {
  netflow9Scopes ??= parseNames(NETFLOW9_SCOPES);
  return netflow9Scopes.get(id);
}

function elementKey(pen: number, id: number): number {
  return pen * 65_536 + id;
}

function reversed(element: Element | undefined): Element | undefined {
  if (!element) return undefined;
  const name = `reverse${element.name.charAt(0).toUpperCase()}${element.name.slice(1)}`;
  return { ...element, pen: REVERSE_PEN, name };
}
