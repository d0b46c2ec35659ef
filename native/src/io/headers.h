/*
 * IP and UDP headers, and how a datagram is cut into IP fragments. Pure functions over bytes.
 */
#ifndef PIO_HEADERS_H
#define PIO_HEADERS_H

#include <stdint.h>

#define PIO_IPV4_BYTES 20u
#define PIO_IPV6_BYTES 40u
#define PIO_UDP_BYTES 8u
#define PIO_FRAGMENT_BYTES 8u /* the IPv6 fragment header */
#define PIO_WHOLE4_BYTES (PIO_IPV4_BYTES + PIO_UDP_BYTES)
#define PIO_WHOLE6_BYTES (PIO_IPV6_BYTES + PIO_UDP_BYTES)
#define PIO_HEADER_MAX_BYTES (PIO_WHOLE6_BYTES + PIO_FRAGMENT_BYTES)
/* Where the destination's address is. */
#define PIO_IPV4_DESTINATION 16u
#define PIO_IPV6_DESTINATION 24u

/* No copy leaves with more, whatever its packet came with. */
#define PIO_HOP_LIMIT_MAX 64u

/* The largest payloads that the length fields can tell. */
#define PIO_PAYLOAD4_MAX (65535u - PIO_WHOLE4_BYTES)
#define PIO_PAYLOAD6_MAX (65535u - PIO_UDP_BYTES)

/* What the headers of a datagram say, besides its addresses. */
struct pio_datagram {
	uint16_t source_port;	   /* network order */
	uint16_t destination_port; /* network order */
	uint16_t length;	   /* UDP header and payload, host order */
	uint16_t payload_sum;	   /* pio_sum of the payload */
	uint8_t hop_limit;
	uint8_t traffic_class; /* type of service of IPv4 */
};

/*
 * Write the headers of a whole datagram: PIO_WHOLE4_BYTES or PIO_WHOLE6_BYTES. Addresses are in
 * network order. IPv4 identification and header checksum stay 0: the kernel fills them in (raw(7)).
 */
void pio_build_ipv4(uint8_t *header, const uint8_t source[4], const uint8_t destination[4],
		    const struct pio_datagram *datagram);
void pio_build_ipv6(uint8_t *header, const uint8_t source[16], const uint8_t destination[16],
		    const struct pio_datagram *datagram);

/* Write the identification and, when all else is there, the checksum of an IPv4 header. */
void pio_identify_ipv4(uint8_t *header, uint32_t identification);
void pio_complete_ipv4(uint8_t *header);

/* One fragment: its headers, and which part of the payload follows them. */
struct pio_fragment {
	uint32_t header_bytes;
	uint32_t payload_offset;
	uint32_t payload_bytes;
};

/*
 * How many bytes of a UDP datagram (its header included) one fragment carries at an MTU: a multiple
 * of 8, or 0 when the MTU leaves no room for 8. family: 4 or 6.
 */
uint32_t pio_fragment_capacity(int family, uint32_t mtu);

/*
 * Writes the headers of the fragment that starts offset bytes into the UDP datagram; offset is a
 * multiple of capacity. whole: the headers of the whole datagram. The next fragment starts at
 * offset + capacity, if that is less than the datagram's length. identification: host order, 16
 * bits of it on IPv4, where 0 would make the kernel choose another one for each fragment.
 */
struct pio_fragment pio_build_fragment(uint8_t *header, const uint8_t *whole, uint32_t capacity,
				       uint32_t offset, uint32_t identification);

#endif
