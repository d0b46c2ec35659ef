/**
 * Made by npm run build:layout from native/include/kernel_program.h, which explains it. Do not edit.
 *
 * SIZE is in bytes. A member is named by its first 32-bit word, or ends in _BYTE and is named by its byte.
 */
export const KERNEL = {
  CONSUMERS: 64,
  LISTENERS: 32,
  COPIES: 32,
  LINK_WORDS: 32,
  LOOPBACK: 1,
  ON: 1,
  LISTENER_EXACT: 1,
  LISTENER_ANY: 2,
  LISTENER_ANY4: 3,
} as const;

export const REASON = {
  NOT_LISTENER: 1,
  ADDRESS: 2,
  GROUP: 3,
  FRAGMENT: 4,
  OPTIONS: 5,
  OFF: 6,
  HOLD: 7,
  NO_CHECKSUM: 8,
  EXPIRED: 9,
  SOURCE: 10,
  OFFLOAD: 11,
  VLAN: 12,
  LENGTH: 13,
  TOO_LONG: 14,
  MTU: 15,
  NO_TABLE: 16,
  PIPELINE: 17,
  FILTER: 18,
  TEMPLATES: 19,
  LEAVE: 20,
  NO_PATH: 21,
  PATHS_OLD: 22,
  NO_STATE: 23,
  RING_FULL: 24,
  MEMORY: 25,
  CHECKSUM: 26,
} as const;

export const SETTINGS = {
  WORDS: 17008,
  SIZE: 68032,
  FLAGS: 0,
  PAYLOAD_BYTES: 2,
  HOLD_NS: 4,
  FORWARDERS: 6,
  EMPTY_NS: 8,
  MAPPED_PREFIX: 136,
  KEEPS_HOLDS: 590,
  DIRECT: 591,
} as const;

export const LISTENER = {
  WORDS: 6,
  SIZE: 24,
  ADDRESS: 0,
  PORT_BYTE: 16,
  KIND_BYTE: 18,
  ROW_BYTE: 19,
} as const;

export const PROCESSOR = {
  WORDS: 1040,
  SIZE: 4160,
  COUNTERS: 0,
} as const;

export const COUNTERS = {
  HANDLED: 0,
  HANDLED_BYTES: 2,
  UP: 4,
} as const;

export const JOURNAL = {
  SIZE: 40464,
} as const;
