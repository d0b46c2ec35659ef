/**
 * Looks into a write-ahead log for changes that SQLite will not see: it takes a log to end at the first frame whose
 * checksum is wrong, whether the power failed there or the disk has lost it. Format: sqlite.org/walformat.html.
 */
import { readFileSync, statSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Checksums read words in the byte order that the last bit of the magic number tells. */
const MAGIC = 0x377f0682;
/** Offsets, alike in headers of a log (from 16) and of a frame (from 8): salts, then the checksum. */
const SALT_BYTES = 8;

/** What a checksum covers so far: two sums of 32 bits. */
type Sums = readonly [number, number];

/** @returns whether changes that were committed cannot be read; false when there is no log */
export function isLogDamaged(path: string): boolean {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= HEADER_BYTES) return false;
  const log = readFileSync(path);
  const magic = log.readUInt32BE(0);
  if ((magic & ~1) >>> 0 !== MAGIC) return true;
  const isBigEndian = (magic & 1) === 1;
  const pageBytes = log.readUInt32BE(8);
  let sums = addWords([0, 0], log.subarray(0, 24), isBigEndian);
  if (!hasSums(log, 24, sums)) return true;
  const salts = log.subarray(16, 16 + SALT_BYTES);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  let isReadable = true;
  for (let at = HEADER_BYTES; at + frameBytes <= log.length; at += frameBytes) {
    // Frames of an earlier round of the log follow: not ours to judge.
    const isOfThisRound = log.subarray(at + 8, at + 8 + SALT_BYTES).equals(salts);
    if (!isOfThisRound) {
      isReadable = false;
      continue;
    }
    if (isReadable) {
      sums = addWords(sums, log.subarray(at, at + 8), isBigEndian);
      sums = addWords(sums, log.subarray(at + FRAME_HEADER_BYTES, at + frameBytes), isBigEndian);
      isReadable = hasSums(log, at + 16, sums);
    }
    const isCommit = log.readUInt32BE(at + 4) !== 0;
    if (!isReadable && isCommit) return true;
  }
  return false;
}

function hasSums(log: Buffer, at: number, [first, second]: Sums): boolean {
  return log.readUInt32BE(at) === first && log.readUInt32BE(at + 4) === second;
}

function addWords([first, second]: Sums, bytes: Buffer, isBigEndian: boolean): Sums {
  let a = first;
  let b = second;
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + word(bytes, at, isBigEndian) + b) >>> 0;
    b = (b + word(bytes, at + 4, isBigEndian) + a) >>> 0;
  }
  return [a, b];
}

function word(bytes: Buffer, at: number, isBigEndian: boolean): number {
  return isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
}
