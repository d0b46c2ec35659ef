/**
 * Made by npm run build:layout from native/include/pio.h, which explains it. Do not edit.
 *
 * SIZE is in bytes. A member is named by its first 32-bit word, or ends in _BYTE and is named by its byte.
 */
export const PACKET = {
  WORDS: 9,
  SIZE: 36,
  SOURCE: 0,
  SOURCE_PORT: 4,
  FLAGS: 5,
  INPUT_SLOT: 6,
  LENGTH_BYTE: 28,
  LISTEN_PORT_BYTE: 30,
  HOP_LIMIT_BYTE: 32,
} as const;

export const PACKET_FLAG = {
  IPV6: 1,
  TRUNCATED: 2,
  EXPIRED: 4,
  ENDED: 8,
  NO_COLLECTOR: 256,
} as const;

export const COPY = {
  WORDS: 2,
  SIZE: 8,
  PACKET: 0,
  COLLECTOR: 1,
} as const;

export const SLOT = {
  WORDS: 4,
  SIZE: 16,
  PACKETS: 0,
  BYTES: 2,
} as const;

export const COUNTER = {
  RECEIVED_PACKETS: 0,
  RECEIVED_BYTES: 1,
  FORWARDED_PACKETS: 2,
  FORWARDED_BYTES: 3,
  TRUNCATED: 4,
  FRAGMENTED: 5,
  FRAGMENTS: 6,
  SEND_RETRIES: 7,
  DROPPED_BY_RULE: 8,
  NO_ELIGIBLE_COLLECTOR: 9,
  HEARTBEAT: 10,
  HOP_LIMIT_EXCEEDED: 11,
  KERNEL_DROPS: 12,
  COUNTED_SINCE: 13,
  PIPELINES_PACKETS: 14,
  PIPELINES_BYTES: 15,
  COUNTED_FORWARDERS: 16,
  TEMPLATE_COPIES: 17,
  TEMPLATE_RESENDS: 18,
  TEMPLATES_UNREADABLE: 19,
  TEMPLATES_UNKEPT: 20,
  FRAMES: 21,
  FRAMES_REFUSED: 22,
  SEND_ERRORS: 256,
  RECEIVE_ERRORS: 512,
  REFUSALS: 768,
} as const;

export const COUNTERS = {
  SIZE: 8192,
  ERRNOS: 256,
  LAYOUT: 1,
  LISTENERS: 32,
  LISTENERS_MAX: 32,
  LISTENER_NONE: 255,
} as const;

export const LISTENER = {
  WORDS: 12,
  SIZE: 48,
  ADDRESS: 0,
  PORT: 4,
  PACKETS: 6,
  BYTES: 8,
  KERNEL_DROPS: 10,
} as const;

export const TAP = {
  WORDS: 7,
  SIZE: 28,
  SOURCE: 0,
  SOURCE_PORT_BYTE: 16,
  INDEX_BYTE: 18,
  FLAGS: 5,
  LISTEN_PORT_BYTE: 24,
  HOST_BITS_BYTE: 26,
} as const;

export const TAP_FLAG = {
  ALL: 1,
} as const;

export const LIMIT = {
  TAPS: 8,
  BATCH: 1024,
  SPARE: 64,
  PAYLOAD: 65535,
  SOCKETS: 64,
  LINKS: 16,
  MAPPED_PREFIX: 12,
} as const;
