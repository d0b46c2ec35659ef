import type { FollowedRevision, Revision } from '../model/rules.ts';

/** What a revision is remembered with besides its number, as JSON. */
export function encodeRecord({ number: _, ...record }: Revision): string {
  return JSON.stringify(record);
}

/** The members of a record that are texts. */
const TEXTS = ['author', 'from', 'call', 'message', 'at'] as const satisfies (keyof Revision)[];

/** What cannot be read is left out: a follower that does not know asks its leader. */
export function decodeRecord(text: unknown): Omit<Revision, 'number'> {
  const record = parseObject(text);
  const texts = TEXTS.filter((name) => typeof record[name] === 'string');
  return {
    ...(isFollowed(record['followed']) && { followed: record['followed'] }),
    ...Object.fromEntries(texts.map((name) => [name, record[name]])),
  };
}

export function isRevisionNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isFollowed(value: unknown): value is FollowedRevision {
  if (!isObject(value)) return false;
  const { leader, revision, digest, appliedAs } = value;
  return (
    typeof leader === 'string' &&
    typeof digest === 'string' &&
    isRevisionNumber(revision) &&
    isRevisionNumber(appliedAs)
  );
}

function parseObject(text: unknown): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(String(text));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
