/**
 * Made by npm run build:layout from native/include/table.h, which explains it. Do not edit.
 *
 * SIZE is in bytes. A member is named by its first 32-bit word, or ends in _BYTE and is named by its byte.
 */
export const TABLE = {
  MAGIC: 1179408433,
  LAYOUT: 5,
  PROBE_MAX: 16,
  KEY_WORDS: 16,
  SLOT_MISMATCHED: 0,
  SLOT_PROBE: 1,
  RULE_PRESENT: 65536,
  RULE_PREFIX: 131072,
  RULE_PREFIX_LENGTH_SHIFT: 24,
  RULE_OUTPUTS: 255,
  RULE_LISTENING_SHIFT: 16,
  PREFIX_RULE: 1,
  OUTPUT_WEIGHTED: 1,
  OUTPUT_PIPELINE: 2,
  OUTPUT_BY_EXPORTER: 4,
  OUTPUT_BY_ENDPOINT: 8,
  COLLECTOR_LISTEN_PORT: 1,
  COLLECTOR_TEMPLATES: 2,
  COLLECTOR_TEMPLATES_ALL: 4,
  GROUP_IPV4_SHIFT: 8,
  GROUP_IPV6_SHIFT: 16,
  LEAVE_PROXY: 1,
  LEAVE_SOURCE: 2,
  LEAVE_PREFIX: 4,
} as const;

export const HEADER = {
  WORDS: 48,
  SIZE: 192,
  MAGIC: 0,
  LAYOUT: 1,
  BUCKETS: 2,
  HASH_SHIFT: 3,
  LONGEST_PROBE: 4,
  PORT_RULES: 5,
  ADDRESS_RULES: 6,
  DEFAULT_RULE: 7,
  OUTPUTS: 8,
  COLLECTORS: 9,
  OUTPUT_COUNT: 10,
  COLLECTOR_COUNT: 11,
  LISTENING_PORT_RULES: 12,
  LISTENING_ADDRESS_RULES: 13,
  PREFIXES: 14,
  PREFIX_COUNT: 15,
  PREFIX_PORT_RULES: 16,
  IPV4_PREFIX: 17,
  IPV6_PREFIX: 18,
  LEAVES: 19,
  LEAVE_COUNT: 20,
  KEY: 32,
} as const;

export const RULE = {
  WORDS: 8,
  SIZE: 32,
  ADDRESS: 0,
  PORT: 4,
  INPUT_SLOT: 5,
  FIRST_OUTPUT: 6,
  OUTPUTS: 7,
} as const;

export const PREFIX = {
  WORDS: 8,
  SIZE: 32,
  ADDRESS: 0,
  LENGTH: 4,
  RULES: 5,
  CHILDREN: 6,
} as const;

export const OUTPUT = {
  WORDS: 8,
  SIZE: 32,
  FIRST_COLLECTOR: 0,
  COLLECTORS: 1,
  IPV6_COLLECTORS: 2,
  STATE: 3,
  FLAGS: 4,
  SAMPLE: 5,
  FILTER: 6,
} as const;

export const COLLECTOR = {
  WORDS: 12,
  SIZE: 48,
  ADDRESS: 0,
  PORT_BYTE: 16,
  FAMILY_BYTE: 18,
  PIPELINE_BYTE: 19,
  OUTPUT_SLOT: 5,
  FLAGS: 6,
  WEIGHTS: 7,
  LEAVE: 8,
  SEED: 9,
  GROUP: 10,
  RETURNS: 11,
} as const;

export const LEAVE = {
  WORDS: 12,
  SIZE: 48,
  SOURCE: 0,
  PREFIX: 4,
  SOURCE_PORT_BYTE: 28,
  HOP_LIMIT_BYTE: 30,
  TRAFFIC_CLASS_BYTE: 31,
  FLAGS: 8,
} as const;

export const STATE = {
  WORDS: 4,
  SIZE: 16,
  NEXT_IPV4: 0,
  NEXT_IPV6: 1,
  NEXT_SAMPLE: 2,
} as const;

export const LEFT_OUT = {
  WORDS: 4,
  SIZE: 16,
  SAMPLED: 0,
  FILTERED: 2,
} as const;
