/** Prints lists that come in parts: as they come, so that nobody has all of them at once. */
import { withoutControls } from '../base/text.ts';
import type { TableColumn } from './table.ts';
import type { WirePrinter } from './wire.ts';

/** Prints the parts of one answer. */
export interface ListPrinter {
  part(bytes: Uint8Array): string | Uint8Array;
  end(): string;
}

export function textPrinter(wire: WirePrinter): ListPrinter {
  return { part: (bytes) => wire.text(bytes), end: () => '' };
}

/** One object, in which the lists of all parts are put together. Lists come one after the other. */
export function jsonPrinter(wire: WirePrinter): ListPrinter {
  let open: string | undefined;
  let isEmpty = true;
  const next = (key: string) => {
    const before = open === undefined ? '' : '\n  ]';
    const comma = isEmpty ? '{\n' : ',\n';
    isEmpty = false;
    open = undefined;
    return `${before}${comma}  ${JSON.stringify(key)}: `;
  };
  const item = (key: string, value: unknown) => {
    const text = JSON.stringify(value, undefined, 2).replaceAll('\n', '\n    ');
    if (open === key) return `,\n    ${text}`;
    const head = next(key);
    open = key;
    return `${head}[\n    ${text}`;
  };
  return {
    part: (bytes) =>
      Object.entries(wire.json(bytes))
        .map(([key, value]) => {
          if (Array.isArray(value)) return value.map((one) => item(key, one)).join('');
          return next(key) + JSON.stringify(value, undefined, 2).replaceAll('\n', '\n  ');
        })
        .join(''),
    end: () => {
      if (isEmpty) return '{}\n';
      return `${open === undefined ? '' : '\n  ]'}\n}\n`;
    },
  };
}

const GAP = '  ';

/**
 * A table whose columns are as wide as the first part needs them; what is longer later pushes the others to the right.
 *
 * @param rows of a part
 */
export function tablePrinter<Part>(
  wire: WirePrinter,
  columns: readonly TableColumn[],
  rows: (part: Part) => readonly (readonly string[])[],
): ListPrinter {
  let widths: readonly number[] | undefined;
  const line = (cells: readonly string[]) =>
    `${columns
      .map(({ isNumber }, i) => {
        const cell = withoutControls(cells[i] ?? '');
        const width = widths?.[i] ?? 0;
        return isNumber ? cell.padStart(width) : cell.padEnd(width);
      })
      .join(GAP)
      .trimEnd()}\n`;
  const head = (found: readonly (readonly string[])[]) => {
    if (widths !== undefined) return '';
    widths = columns.map(({ head: name }, i) =>
      found.reduce((width, cells) => Math.max(width, cells[i]?.length ?? 0), name.length),
    );
    return line(columns.map(({ head: name }) => name));
  };
  return {
    part: (bytes) => {
      const found = rows(wire.json(bytes) as Part);
      return found.length === 0 ? '' : head(found) + found.map(line).join('');
    },
    end: () => head([]),
  };
}
