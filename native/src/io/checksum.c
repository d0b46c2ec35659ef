#include "checksum.h"

#include <string.h>

uint16_t pio_sum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

uint16_t pio_sum(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	size_t words = length / 4;
	uint64_t sum = 0;
	/* Plain, so that the compiler vectorises it: 32-bit words cannot overflow 64 bits here. */
	for (size_t i = 0; i < words; i++) {
		uint32_t word;
		memcpy(&word, at + i * 4, sizeof(word));
		sum += word;
	}
	uint32_t rest = 0;
	if (length % 4 > 0)
		memcpy(&rest, at + words * 4, length % 4);
	return pio_sum_fold(sum + rest);
}

uint16_t pio_udp_checksum(uint64_t sum)
{
	uint16_t checksum = (uint16_t)~pio_sum_fold(sum);
	return checksum == 0 ? 0xffff : checksum;
}
