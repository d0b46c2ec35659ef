#include "fake_kernel.h"
#include "mtu.h"
#include "tap.h"

static struct pio_mtu_table table;

static void reset(void)
{
	fake_reset();
	pio_mtu_init(&table);
}

/* Addresses of one network differ in their last bytes. */
static void make_address(uint8_t address[16], uint32_t number)
{
	memset(address, 0, 16);
	address[0] = 0xfd;
	address[14] = (uint8_t)(number >> 8);
	address[15] = (uint8_t)number;
}

static void test_lifetime(void)
{
	uint8_t address[16];
	make_address(address, 1);
	reset();
	check_equal(pio_mtu_find(&table, address), 0, "nothing is known at first");
	check_equal(table.smallest, UINT32_MAX, "so nothing is over the smallest MTU");
	check_equal(fake.path_mtu_asked, 0, "and the kernel is not asked");
	check_equal(pio_mtu_learn(&table, address), 1500, "what the kernel says is learned");
	check_equal(table.smallest, 1500, "and is the smallest");
	fake.path_mtu = 1400;
	fake.now_ms += PIO_MTU_LIFETIME_MS - 1;
	check_equal(pio_mtu_find(&table, address), 1500, "known until its time is over");
	fake.now_ms += 1;
	check_equal(pio_mtu_find(&table, address), 1400, "asked again then");
	check_equal(table.smallest, 1400, "a smaller answer is the smallest");
	fake.now_ms += PIO_MTU_LIFETIME_MS;
	fake.path_mtu = 9000;
	check_equal(pio_mtu_find(&table, address), 9000, "an MTU that has grown");
	check_equal(table.smallest, 9000, "is no longer the smallest");
	fake.now_ms += PIO_MTU_LIFETIME_MS;
	fake.path_mtu = -ENETUNREACH;
	check_equal(pio_mtu_find(&table, address), 0, "without an answer nothing is known");
	check_equal(table.smallest, UINT32_MAX, "and it is forgotten");
}

static void test_many(void)
{
	reset();
	uint8_t address[16];
	uint32_t known = 0;
	for (uint32_t i = 0; i < 500; i++) {
		make_address(address, i);
		fake.path_mtu = (int)(1280 + i);
		pio_mtu_learn(&table, address);
		fake.now_ms++;
	}
	for (uint32_t i = 0; i < 500; i++) {
		make_address(address, i);
		known += pio_mtu_find(&table, address) == 1280 + i;
	}
	check(known >= 490, "500 destinations find their own MTU (%u known)", known);

	uint32_t wrong = 0;
	for (uint32_t i = 500; i < 5000; i++) {
		make_address(address, i);
		fake.path_mtu = (int)(1280 + i);
		pio_mtu_learn(&table, address);
		wrong += pio_mtu_find(&table, address) != 1280 + i;
	}
	check_equal(wrong, 0, "more than the table holds: the latest is always known");
	for (uint32_t i = 0; i < 5000; i++) {
		make_address(address, i);
		uint32_t mtu = pio_mtu_find(&table, address);
		wrong += mtu != 0 && mtu != 1280 + i;
	}
	check_equal(wrong, 0, "none gets the MTU of another");
}

int main(void)
{
	test_lifetime();
	test_many();
	return tap_done();
}
