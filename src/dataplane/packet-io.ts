/**
 * The typed face of the native addon (native/): packet I/O and the system calls around it.
 * Contracts, units and byte orders: native/include/pio.h and pio_sys.h. All argument checking is here.
 */

/** 32-bit words of a struct pio_packet, and the index of each field. */
export const PACKET_WORDS = 8;
export const PACKET_SOURCE = 0; // 4 words, as they lie in memory (network order bytes)
export const PACKET_SOURCE_PORT = 4;
export const PACKET_LENGTH = 5;
export const PACKET_FLAGS = 6;
export const PACKET_INPUT_SLOT = 7;
export const PACKET_FLAG_IPV6 = 1;
export const PACKET_FLAG_TRUNCATED = 2;

/** 32-bit words of a struct pio_copy. */
export const COPY_WORDS = 2;

/** Bytes of a struct pio_slot: packets and bytes, 64 bits each. */
export const SLOT_BYTES = 16;

/** Indexes into the 64-bit counters of a forwarder (enum pio_counter). */
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
  SEND_ERRORS: 256,
  RECEIVE_ERRORS: 512,
} as const;
export const ERRNO_COUNT = 256;
export const COUNTERS_BYTES = 8192;
