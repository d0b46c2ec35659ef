#include <arpa/inet.h>

#include "checksum.h"
#include "tap.h"
#include "wire.h"

#define BYTES_MAX 65535u

static uint8_t bytes[BYTES_MAX + 8];

/* 0 and 0xffff are the same sum; which one comes out does not matter. */
static int is_same_sum(uint16_t sum, uint32_t reference)
{
	return ntohs(sum) % 0xffff == reference % 0xffff;
}

static uint32_t count_wrong(uint32_t from, uint32_t to, uint32_t step)
{
	uint32_t wrong = 0;
	for (uint32_t length = from; length <= to; length += step) {
		for (uint32_t start = 0; start < 8; start++)
			wrong += !is_same_sum(pio_sum(bytes + start, length),
					      wire_sum(bytes + start, length));
	}
	return wrong;
}

static void fill(unsigned int seed)
{
	srand(seed);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(rand() >> 8);
}

int main(void)
{
	fill(1);
	check_equal(count_wrong(0, 300, 1), 0, "sums of 0 to 300 random bytes, any alignment");
	check_equal(count_wrong(1400, 1500, 1), 0, "sums of 1400 to 1500 random bytes");
	check_equal(count_wrong(65500, BYTES_MAX, 5), 0, "sums of up to 65535 random bytes");
	memset(bytes, 0xff, sizeof(bytes));
	check_equal(count_wrong(0, 70, 1), 0, "sums that carry at every word");
	check_equal(count_wrong(BYTES_MAX - 7, BYTES_MAX, 1), 0, "the largest sum there is");

	check_equal(pio_sum("", 0), 0, "nothing sums to 0");
	check_equal(ntohs(pio_sum("\x12", 1)), 0x1200, "an odd last byte is padded with 0");
	check_equal(pio_sum_fold(UINT64_MAX), 0xffff, "64 ones fold to 16 ones");
	check_equal(pio_sum_fold(0x1ffff), 1, "the carry comes back in");
	check_equal(pio_sum_fold(0xffff0001fffeffff), 0xffff, "carries of carries come back in");

	check_equal(pio_udp_checksum(0x1234), 0xedcb, "the UDP checksum is the complement");
	check_equal(pio_udp_checksum(0xffff), 0xffff, "R7: a UDP checksum of 0 is sent as 0xffff");
	check_equal(pio_udp_checksum(0), 0xffff, "the complement of 0 is 0xffff");
	return tap_done();
}
