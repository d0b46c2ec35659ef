/**
 * Made by npm run build:layout from native/include/notes.h, which explains it. Do not edit.
 *
 * SIZE is in bytes. A member is named by its first 32-bit word, or ends in _BYTE and is named by its byte.
 */
export const NOTES = {
  LAYOUT: 2,
  EVENTS: 512,
  ROWS: 442368,
  FIRST_STRANGER: 262144,
  FIRST_LOSS: 278528,
  FIRST_SEQUENCE: 294912,
  LOST_SEND: 1,
  LOST_TRUNCATED: 2,
  LOST_HOP_LIMIT: 3,
  LOST_NO_COLLECTOR: 4,
} as const;

export const PROTOCOL = {
  OTHER: 0,
  NETFLOW_V1: 1,
  NETFLOW_V5: 2,
  NETFLOW_V7: 3,
  NETFLOW_V9: 4,
  IPFIX: 5,
  SFLOW_V5: 6,
} as const;

export const HEADER = {
  WORDS: 7382016,
  SIZE: 29528064,
  LAYOUT: 0,
  SINCE_S: 1,
  EVENTS: 6,
  FORGOTTEN_EXPORTERS: 8,
  FORGOTTEN_STRANGERS: 10,
  FORGOTTEN_COPIES: 14,
  FORGOTTEN_SEQUENCES: 16,
} as const;

export const EXPORTER = {
  WORDS: 16,
  SIZE: 64,
  ADDRESS: 0,
  PORT_BYTE: 20,
  PROTOCOLS_BYTE: 22,
  PROTOCOL_BYTE: 23,
  FIRST_S: 6,
  LAST_S: 7,
  PACKETS: 8,
  BYTES: 10,
  TRUNCATED: 12,
  LOST: 14,
} as const;

export const LOSS = {
  WORDS: 16,
  SIZE: 64,
  COLLECTOR: 0,
  PORT_BYTE: 20,
  ERROR_BYTE: 22,
  COPIES: 6,
  LAST_S: 8,
  EXPORTER_PORT_BYTE: 36,
  EXPORTER: 10,
} as const;

export const SEQUENCE = {
  WORDS: 16,
  SIZE: 64,
  ADDRESS: 0,
  PORT_BYTE: 20,
  PROTOCOL_BYTE: 22,
  LOST: 14,
} as const;

export const EVENT = {
  WORDS: 16,
  SIZE: 64,
  EXPORTER: 0,
  EXPORTER_PORT_BYTE: 20,
  KIND_BYTE: 22,
  AT_MS: 6,
  COLLECTOR: 8,
  COLLECTOR_PORT_BYTE: 48,
  ERROR_BYTE: 50,
  NUMBER: 14,
} as const;
