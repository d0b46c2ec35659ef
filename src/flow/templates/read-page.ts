import type { KeptDatabase } from './database.ts';
import type { KeptChange, PageStart, TemplatePage } from './kept-change.ts';

/** Changes of a page, so that none of those who read or write it is busy with it for long. */
export const PAGE_CHANGES = 500;
/** Octets of template records in a page; one record may be more. */
const PAGE_OCTETS = 262_144;

/** The changes behind a place of the database, or all when the place is one of another database. */
export function readPage(database: KeptDatabase, { epoch, since }: PageStart): TemplatePage {
  const own = database.epoch;
  const last = database.lastChange;
  const from = epoch === own && since <= last ? since : 0;
  const found = from === last ? [] : database.changesSince(from, PAGE_CHANGES);
  const taken = found.slice(0, fitting(found));
  const hasMore = taken.length < found.length || taken.length === PAGE_CHANGES;
  return {
    epoch: own,
    changes: taken.map(({ change: _, ...rest }) => rest),
    next: hasMore ? (taken.at(-1)?.change ?? last) : last,
    hasMore,
  };
}

/** How many of the changes are one page. */
function fitting(changes: readonly KeptChange[]): number {
  let octets = 0;
  const over = changes.findIndex((change) => {
    octets += change.what === 'template' ? change.record.length : change.value.length;
    return octets > PAGE_OCTETS;
  });
  return over < 0 ? changes.length : Math.max(1, over);
}
