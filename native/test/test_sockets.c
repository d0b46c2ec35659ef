/* Which socket a collector's copies leave by, and what one that is full does to the others. */
#include "fake_lab.h"
#include "tap.h"

static void reset_sockets(uint32_t count)
{
	lab_close();
	fake_reset();
	lab_open_fake(count, count);
}

static uint32_t collector_at(uint32_t number)
{
	char address[32];
	snprintf(address, sizeof(address), "198.51.%u.%u", number / 256, number % 256);
	return lab_collector(address, 9995);
}

/* Sends one copy of a packet to each of so many collectors, the first of them by its number. */
static void send_to_each(uint32_t first, uint32_t count)
{
	lab.collector_count = 0;
	uint32_t packet = lab_packet("192.0.2.1", 2055, 10);
	for (uint32_t i = 0; i < count; i++)
		collector_at(first + i);
	for (uint32_t i = 0; i < count; i++)
		lab_copy(packet, i);
	lab_send();
}

/* Sockets that took anything since the last fake_forget. */
static uint32_t count_sockets(void)
{
	uint8_t seen[PIO_SOCKETS_MAX] = {0};
	uint32_t count = 0;
	for (uint32_t i = 0; i < fake.taken_count; i++) {
		int index = fake.taken[i].fd - LAB_FD4;
		if (index < 0 || index >= (int)PIO_SOCKETS_MAX)
			abort();
		count += !seen[index];
		seen[index] = 1;
	}
	return count;
}

static int socket_of(uint32_t number)
{
	fake_forget();
	send_to_each(number, 1);
	return fake.taken_count == 1 ? fake.taken[0].fd : -1;
}

static void test_own_sockets(void)
{
	for (uint32_t count = 1; count <= PIO_SOCKETS_MAX; count *= 4) {
		reset_sockets(count);
		send_to_each(0, count);
		check_equal(count_sockets(), count, "R15: as many addresses as sockets share none");
	}
	reset_sockets(16);
	send_to_each(0, 1000);
	check(count_sockets() == 16 && fake.taken_count == 1000, "1,000 addresses share 16");
	uint32_t most = 0;
	for (uint32_t i = 0; i < 16; i++)
		if (lab.sender->ipv4.queues[i].addresses > most)
			most = lab.sender->ipv4.queues[i].addresses;
	check_equal(most, (1000 + 15) / 16, "evenly");
}

static void test_stays(void)
{
	reset_sockets(16);
	send_to_each(0, 40);
	int before = socket_of(7);
	for (uint32_t i = 0; i < 10; i++)
		send_to_each(100 * i, 40);
	check(socket_of(7) == before, "R12: over changes of rules an address keeps its socket");
	reset_sockets(16);
	uint32_t packet = lab_packet("192.0.2.1", 2055, 10);
	lab_copy(packet, lab_collector("198.51.100.1", 1));
	lab_copy(packet, lab_collector("198.51.100.1", 2));
	lab_send();
	check(fake.taken[0].fd == fake.taken[1].fd, "all ports of an address have one socket");
}

static void test_many_addresses(void)
{
	reset_sockets(64);
	for (uint32_t round = 0; round < 20; round++) {
		fake_forget();
		send_to_each(round * 3000, 3000);
	}
	check_equal(lab.counters[PIO_FORWARDED_PACKETS], 60000, "any number of addresses can come");
	check(lab.sender->ipv4.assigned <= PIO_ASSIGNMENTS,
	      "what is remembered of them is bounded");
}

/* The verdict of fake_kernel is by message; here it is by socket. */
static void test_full_socket(void)
{
	reset_sockets(2);
	uint32_t healthy = 0;
	uint32_t full = 0;
	fake.full_fd = socket_of(1);
	fake.poll_takes_ms = 50;
	uint64_t start_ms = fake.now_ms;
	check(fake.full_fd != socket_of(2), "two addresses, two sockets");
	for (uint32_t i = 0; i < 100; i++) {
		lab.collector_count = 0;
		uint32_t packet = lab_packet("192.0.2.1", 2055, 10);
		collector_at(1);
		collector_at(2);
		for (uint32_t copy = 0; copy < 20; copy++)
			lab_copy(packet, copy % 2);
		fake_forget();
		lab_send();
		healthy += fake.taken_count;
		full += 10;
	}
	check_equal(healthy, 1000, "R15: what a full socket refuses, others take");
	check_equal(lab.counters[PIO_SEND_ERRORS + EAGAIN], full, "and it is counted");
	check(fake.now_ms - start_ms <= PIO_SEND_WAIT_MS, "they waited for it once: %u ms",
	      (uint32_t)(fake.now_ms - start_ms));
}

static void test_all_full(void)
{
	reset_sockets(64);
	fake.poll_takes_ms = 7;
	fake_script_always(EAGAIN);
	send_to_each(0, 64);
	check(fake.now_ms - 1000 <= PIO_SEND_WAIT_MS + 7,
	      "64 full sockets are waited for no longer than one");
}

int main(void)
{
	test_own_sockets();
	test_stays();
	test_many_addresses();
	test_full_socket();
	test_all_full();
	lab_close();
	fake_forget();
	return tap_done();
}
