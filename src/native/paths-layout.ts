/**
 * Made by npm run build:layout from native/include/paths.h, which explains it. Do not edit.
 *
 * SIZE is in bytes. A member is named by its first 32-bit word, or ends in _BYTE and is named by its byte.
 */
export const PATHS = {
  MAGIC: 1180192817,
  LAYOUT: 1,
  MAX: 65536,
  SENDER: 1,
  KERNEL: 2,
  FRAME_BYTES: 14,
  HOPS_MAX: 64,
} as const;

export const HEADER = {
  WORDS: 8,
  SIZE: 32,
  MAGIC: 0,
  LAYOUT: 1,
  LOOKED_MS: 2,
  USERS: 4,
} as const;

export const PATH = {
  WORDS: 8,
  SIZE: 32,
  LINK: 0,
  MTU: 1,
  FRAME_BYTE: 8,
  HOPS_BYTE: 22,
  FIRST_HOP: 6,
  CHANGES: 7,
} as const;
