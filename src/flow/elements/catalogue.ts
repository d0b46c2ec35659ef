import type { AbstractType, Element, Semantics } from './element.ts';

type Line = [id: string, name: string, type: AbstractType, semantics?: string, units?: string];

/** Reads lines of the data files: id, name, type, semantics (`-` for none), units. */
export function parseElements(pen: number, lines: string): Element[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [id, name, type, semantics, units] = line.split(' ') as Line;
      return {
        pen,
        id: Number(id),
        name,
        type,
        ...(semantics !== undefined && semantics !== '-'
          ? { semantics: semantics as Semantics }
          : {}),
        ...(units !== undefined ? { units } : {}),
      };
    });
}

/** Reads lines of the data files that have only id and name. */
export function parseNames(lines: string): ReadonlyMap<number, string> {
  return new Map(
    lines
      .trim()
      .split('\n')
      .map((line) => {
        const [id, name] = line.split(' ') as [string, string];
        return [Number(id), name];
      }),
  );
}
