const MIN_BUCKETS = 16;

/** How many buckets a hash table of so many rules has: a power of two, at most half of them in use. */
export function bucketsFor(rules: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(MIN_BUCKETS, (rules + 1) * 2)));
}
