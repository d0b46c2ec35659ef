/** Revisions as people read them. */
import { dateAndTime, withoutControls } from '../base/text.ts';
import type { RevisionMessage } from '../protocol/history-messages.ts';
import { formatTable } from './table.ts';

const UNKNOWN = '-';

/** Names of calls without what all of them have. */
const CALL_ENDING = /(Proxy)?Rules$/;

export function printRevisions(revisions: readonly RevisionMessage[]): string {
  if (revisions.length === 0) return 'no revisions\n';
  const rows = revisions.map((revision) => {
    const { number, at, author = UNKNOWN, call = UNKNOWN, change, message = '' } = revision;
    const counts = [change?.added, change?.removed, change?.changed];
    const shown = counts.map((count) => (change === undefined ? UNKNOWN : String(count ?? 0)));
    const name = call.replace(CALL_ENDING, '');
    return [number, timeOf(at), author, name, ...shown, alsoOf(revision), message];
  });
  const hasAlso = rows.some((row) => row[ALSO] !== '');
  const columns = COLUMNS.filter((_, i) => i !== ALSO || hasAlso);
  return formatTable(columns, hasAlso ? rows : rows.map((row) => row.toSpliced(ALSO, 1)));
}

const COLUMNS = [
  { head: 'REV', isNumber: true },
  { head: 'TIME (UTC)' },
  { head: 'WHO' },
  { head: 'CALL' },
  { head: '+', isNumber: true },
  { head: '-', isNumber: true },
  { head: '~', isNumber: true },
  { head: 'ALSO' },
  { head: 'MESSAGE' },
];
/** Its index. */
const ALSO = 7;

/** What the counts of rules do not say. */
function alsoOf({ change, restorable }: RevisionMessage): string {
  const also = [
    ...(change?.defaultOutputsChanged ? ['default outputs'] : []),
    ...(change?.moved ? ['order'] : []),
    ...(restorable ? [] : ['rules not kept']),
  ];
  return also.join(', ');
}

/** Lines that stand before the rules of a revision; comments in protobuf text. */
export function describeRevision(revision: RevisionMessage): string {
  const { number, at, author, from, call, message } = revision;
  const who = author === undefined || author === from ? (from ?? UNKNOWN) : author;
  const where = from === undefined || from === who ? '' : ` from ${from}`;
  const lines = [
    `revision: ${number}`,
    `time: ${timeOf(at)} UTC`,
    `who: ${who}${where}, by ${call ?? 'an unknown call'}`,
    ...(message === undefined ? [] : [`message: ${message}`]),
  ];
  return lines.map((line) => `# ${withoutControls(line)}\n`).join('');
}

function timeOf(at: string | undefined): string {
  return at === undefined ? UNKNOWN : dateAndTime(at);
}
