/** Limits of one rule set (spec V6). What is beyond one is refused with LIMIT_EXCEEDED. */
export const MAX_RULES = 1_000_000;
export const MAX_OUTPUTS_PER_RULE = 32;
export const MAX_COLLECTORS_PER_OUTPUT = 64;

/** Different pipelines that a rule set names: each is a bit of a packet (RING.PIPELINES of src/native). */
export const MAX_PIPELINES = 32;

/**
 * Rules, outputs and collectors of one rule set together. Each takes one counter slot of 16 bytes per
 * forwarder; there is room for twice as many, so that a whole set can replace another under traffic.
 */
export const MAX_SLOTS_PER_RULE_SET = 4_000_000;

/** Largest request that the API takes, in bytes. 100,000 IPv6 rules with two collectors need 13 MB. */
export const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

/** Values of each list of a filter (spec V12): they are looked at one by one for each packet. */
export const MAX_FILTER_VALUES = 64;

/** Different filters of a rule set: with all their values some 100 MB of a forwarding table. */
export const MAX_FILTERS = 65_536;
