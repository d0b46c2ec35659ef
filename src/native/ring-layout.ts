/**
 * Made by npm run build:layout from native/include/ring.h, which explains it. Do not edit.
 *
 * SIZE is in bytes. A member is named by its first 32-bit word, or ends in _BYTE and is named by its byte.
 */
export const RING = {
  DATA: 32768,
  BYTES_MIN: 1048576,
  BYTES_MAX: 1073741824,
  PIPELINES: 32,
  SLOTS: 256,
  SHARDS: 64,
  PAYLOAD_MAX: 65535,
  RECORD_TRUNCATED: 2,
} as const;

export const READER_STATE = {
  SIZE: 320,
} as const;

export const ACCOUNT = {
  DOUBLES: 16,
  POSITION: 0,
  SEQUENCE: 1,
  FIRST: 2,
  BATCH: 3,
  TAKEN: 4,
  BYTES: 5,
  DONE: 6,
  ABANDONED: 7,
  OTHER_PIPELINES: 8,
  OTHER_SHARDS: 9,
  LOST: 10,
  OWN_LOST: 11,
  TRUNCATED: 13,
  RESYNCS: 14,
} as const;
