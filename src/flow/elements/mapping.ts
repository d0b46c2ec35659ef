import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { ABSTRACT_TYPES, type AbstractType, type Element } from './element.ts';

/**
 * Reads the user's own elements in the form of vFlow's `ipfix.elements`: YAML, enterprise number → element id →
 * [name, abstract data type].
 *
 * @param text the file
 * @param file its name, for errors
 * @throws Error that names the line, what is wrong there, and what is expected
 */
export function parseElementMapping(text: string, file: string): Element[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const where = (node: unknown): string => {
    const at = (node as Node | null)?.range?.[0];
    return at === undefined ? file : `${file}:${lines.linePos(at).line}`;
  };
  const [broken] = document.errors;
  if (broken) throw new Error(`${file}: ${broken.message}`);
  if (document.contents === null) return [];
  return entriesOf(document.contents, where, 'enterprise numbers', 0xffff_ffff).flatMap(
    ([pen, ofVendor]) =>
      entriesOf(ofVendor, where, 'element ids', 0xffff).map(([id, value]) => ({
        pen,
        id,
        ...nameAndType(value, where),
      })),
  );
}

type Where = (node: unknown) => string;

function entriesOf(node: unknown, where: Where, what: string, most: number): [number, unknown][] {
  if (!isMap(node)) throw new Error(`${where(node)}: here a mapping of ${what} is expected`);
  return node.items.map(({ key, value }) => {
    const number = isScalar(key) ? Number(key.value) : Number.NaN;
    if (!Number.isInteger(number) || number < 0 || number > most) {
      throw new Error(`${where(key)}: "${key}" is none of the ${what}: they are 0 to ${most}`);
    }
    return [number, value];
  });
}

function nameAndType(node: unknown, where: Where): { name: string; type: AbstractType } {
  const [name, type] = isSeq(node)
    ? node.items.map((item) => (isScalar(item) ? item.value : item))
    : [];
  if (typeof name !== 'string' || name === '') {
    throw new Error(
      `${where(node)}: an element is [name, type], such as [octetDeltaCount, unsigned64]`,
    );
  }
  const known = ABSTRACT_TYPES.find((one) => one === type);
  if (!known) {
    const types = ABSTRACT_TYPES.join(', ');
    throw new Error(
      `${where(node)}: ${name} has type "${String(type)}", which is none of ${types}`,
    );
  }
  return { name, type: known };
}
