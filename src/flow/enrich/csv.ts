export interface CsvRow {
  /** From 1; where the row begins. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Reads comma-separated values as RFC 4180 has them; blank lines and lines that begin with `#` are left out. */
export function* parseCsv(text: string): Generator<CsvRow> {
  // A cell in quotes may hold anything, another one no quote, comma or end of line.
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let line = 1;
  let start = 1;
  let cells: string[] = [];
  while (cell.lastIndex < text.length || cells.length > 0) {
    const at = cell.lastIndex;
    const found = cell.exec(text);
    if (found === null) throw new SyntaxError(`line ${line}: a quote in the wrong place`);
    const [whole, quoted, plain = '', end] = found;
    cells.push((quoted?.replaceAll('""', '"') ?? plain).trim());
    line += whole.split('\n').length - 1;
    if (end === ',') continue;
    const isEmpty = cells.length === 1 && cells[0] === '';
    if (!isEmpty && text[at] !== '#') yield { line: start, cells };
    cells = [];
    start = line;
  }
}
