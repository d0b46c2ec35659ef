/** Which of some texts differs least from one that was written; the first of several. @param known at least one */
export function nearestText(
  written: string,
  known: readonly string[],
): { readonly text: string; readonly distance: number } {
  return known
    .map((text) => ({ text, distance: editDistance(written, text) }))
    .reduce((best, candidate) => (candidate.distance < best.distance ? candidate : best));
}

/** Levenshtein distance: letters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
