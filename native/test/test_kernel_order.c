/*
 * R12: packets of one exporter, some of which only the sockets can take, leave in the order in
 * which they came, while the exporter changes between the program in the kernel and a forwarder.
 */
#include <sys/wait.h>

#include "kernel_reference.h"

#define PACKETS 20000u
#define COPIES_MAX KLAB_BATCH

static struct maker maker;
static struct klab_frame frame, left;
static struct sample sample;
static struct pio_copy copies[COPIES_MAX];
static pio_receiver_t *receiver;
static pio_sender_t *sender;
static int receive_fd, send_fd;

/* The kernel's own way to the collector. */
static void open_ways(void)
{
	char command[200];
	const uint8_t *mac = links.out_mac;
	klab_run("ip address add 192.0.2.9/24 dev in0");
	klab_run("ip address add 198.51.100.254/24 dev out0");
	snprintf(command, sizeof(command),
		 "ip neighbour add 198.51.100.1 lladdr %02x:%02x:%02x:%02x:%02x:%02x dev out0",
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	klab_run(command);
}

static void open_forwarder(void)
{
	int room = 8 << 20;
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(2055)};
	receive_fd = socket(AF_INET, SOCK_DGRAM, 0);
	send_fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	setsockopt(receive_fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(receive_fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		klab_check(-errno, "a socket");
	struct pio_receiver_options receive = {.fd = receive_fd,
					       .takes_group = 1,
					       .batch = klab_batch(),
					       .counters = klab.counters};
	klab_check(pio_receiver_new(&receiver, &receive), "a receiver");
	struct pio_sender_options send = {
		.ipv4_fds = &send_fd,
		.ipv4_count = 1,
		.batch = klab_batch(),
		.copies_max = COPIES_MAX,
		.slot_count = KLAB_SLOTS,
		.copies = copies,
		.counters = klab.counters,
		.slots = klab.slots,
	};
	klab_check(pio_sender_new(&sender, &send), "a sender");
	pio_set_collectors(sender, maker.collectors, maker.collector_count, maker.leaves, 0);
}

/* What a forwarder does: all that waits, or it tells that nothing did. */
static void forward(void)
{
	uint64_t now = klab_now_ns();
	int count = klab_check(pio_receive(receiver), "receiving");
	if (count == 0)
		__atomic_store_n(&klab.engine.settings->empty_ns[0], now, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < (uint32_t)count; i++) {
		klab.packets[i].input_slot = 2;
		copies[i] = (struct pio_copy){i, 0};
	}
	pio_send(sender, (uint32_t)count, (uint32_t)count);
}

/* Every now and then one with IPv4 options, which the program does not take. */
static void number_frame(uint32_t number, int has_options)
{
	memcpy(sample.payload, &number, sizeof(number));
	reference_arrive(&sample, &frame);
	if (!has_options)
		return;
	uint8_t *ip = frame.data + ETH_HLEN;
	memmove(ip + 24, ip + 20, frame.bytes - ETH_HLEN - 20);
	memcpy(ip + 20, "\1\1\1\0", 4);
	frame.bytes += 4;
	ip[0] = 0x46;
	ip[3] = (uint8_t)(ip[3] + 4);
	memset(ip + 10, 0, 2);
	uint16_t checksum = (uint16_t)~pio_sum(ip, 24);
	memcpy(ip + 10, &checksum, 2);
}

/* An exporter in a process of its own, at times fast and at times slow. */
static pid_t start_exporter(void)
{
	pid_t child = klab_fork();
	if (child != 0)
		return child;
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct virtio_net_hdr header = {0};
		struct iovec parts[] = {{&header, sizeof(header)}, {frame.data, frame.bytes}};
		struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
		number_frame(i, rand() % 40 == 0);
		parts[1].iov_len = frame.bytes;
		if (sendmsg(links.in, &message, 0) < 0)
			_exit(1);
		if (rand() % 8 == 0)
			usleep((useconds_t)(rand() % 400));
	}
	_exit(0);
}

static uint32_t next_number, out_of_order;

/* Looks at what has left. */
static void take_copies(void)
{
	uint32_t number;
	while (klab_capture(&left, 0)) {
		memcpy(&number, left.data + ETH_HLEN + PIO_WHOLE4_BYTES, sizeof(number));
		out_of_order += number != next_number;
		next_number = number + 1;
	}
}

int main(void)
{
	klab_open();
	maker_reset(&maker);
	reference_address(sample.source, "198.51.100.1");
	maker_collector(&maker, maker_output(&maker, &maker.rules[0]), sample.source, 9995,
			KLAB_PATH4, 1);
	maker_make(&maker);
	klab_publish(&klab.engine, &maker, MAKER_OUTPUTS);
	open_ways();
	open_forwarder();
	reference_sample(&sample, "203.0.113.1", "192.0.2.9", 2055, 100);
	klab.engine.settings->hold_ns = 1000000;
	klab.engine.settings->empty_ns[0] = 0;
	pid_t child = start_exporter();
	int status = -1;
	while (waitpid(child, &status, WNOHANG) == 0) {
		forward();
		take_copies();
		klab_consume();
	}
	klab_await(PACKETS);
	for (int i = 0; next_number < PACKETS && i < KLAB_ANSWER_MS; i++) {
		forward();
		klab_consume();
		take_copies();
		usleep(1000);
	}
	klab_consume();
	struct kernel_counters counted = klab_counted();
	check(status == 0 && next_number == PACKETS && out_of_order == 0,
	      "R12: %u packets leave in order", PACKETS);
	printf("# %u out of order, the last one is %u\n", out_of_order, next_number);
	check(counted.handled > 0 && counted.up[KERNEL_UP_OPTIONS] > 0 &&
		      counted.up[KERNEL_UP_HOLD] > 0,
	      "%llu by the program, %llu and %llu after them by the forwarder",
	      (unsigned long long)counted.handled,
	      (unsigned long long)counted.up[KERNEL_UP_OPTIONS],
	      (unsigned long long)counted.up[KERNEL_UP_HOLD]);
	check_equal(klab.counters[PIO_FORWARDED_PACKETS], PACKETS,
		    "S2: both are counted in one column");
	pio_sender_free(sender);
	pio_receiver_free(receiver);
	close(receive_fd);
	close(send_fd);
	klab_close();
	return tap_done();
}
