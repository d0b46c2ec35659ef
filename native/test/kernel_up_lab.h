/* Packets that the program may let go up to a socket: for which reason, and as they came. */
#ifndef KERNEL_UP_LAB_H
#define KERNEL_UP_LAB_H

#include "kernel_reference.h"

static struct maker maker;
static struct klab_frame frame, left;
static struct sample sample;
static int receiver; /* at 192.0.2.9:2055 */

static inline void from(const char *source, const char *destination, uint16_t port, uint32_t length)
{
	reference_sample(&sample, source, destination, port, length);
	reference_arrive(&sample, &frame);
}

static inline void usual(void)
{
	from("203.0.113.1", "192.0.2.9", 2055, 100);
}

static inline void usual6(void)
{
	from("2001:db8::1", "2001:db8::9", 2055, 100);
}

static inline uint32_t reason_of(const struct kernel_counters *before)
{
	struct kernel_counters after = klab_counted();
	for (uint32_t i = 1; i < KERNEL_REASONS; i++) {
		if (after.up[i] != before->up[i])
			return i;
	}
	return after.handled == before->handled + 1 ? KERNEL_UP_NONE : KERNEL_REASONS;
}

/* Sends the frame. Returns why it went up, 0 when it did not. */
static inline uint32_t inject(void)
{
	struct kernel_counters before = klab_counted();
	klab_inject(&frame, 0);
	return reason_of(&before);
}

static inline void expect(uint32_t reason, const char *name)
{
	uint32_t found = inject();
	int has_left = klab_capture(&left, found == KERNEL_UP_NONE ? KLAB_ANSWER_MS : 0);
	if (!check(found == reason && has_left == (reason == KERNEL_UP_NONE), "%s", name))
		printf("# reason %u, expected %u, a copy: %d\n", found, reason, has_left);
}

/* Whether the socket got the datagram of the sample, as it was sent. */
static inline int is_received(void)
{
	uint8_t bytes[KLAB_STRIDE];
	struct sockaddr_in source;
	socklen_t size = sizeof(source);
	struct pollfd ready = {receiver, POLLIN, 0};
	if (poll(&ready, 1, KLAB_ANSWER_MS) <= 0)
		return 0;
	ssize_t received =
		recvfrom(receiver, bytes, sizeof(bytes), 0, (struct sockaddr *)&source, &size);
	return received == (ssize_t)sample.length && source.sin_port == htons(sample.source_port) &&
	       memcmp(&source.sin_addr, sample.source + 12, 4) == 0 &&
	       memcmp(bytes, sample.payload, sample.length) == 0;
}

static inline void open_receiver(void)
{
	klab_run("ip address add 192.0.2.9/24 dev in0");
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(2055)};
	inet_pton(AF_INET, "192.0.2.9", &name.sin_addr);
	receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (bind(receiver, (struct sockaddr *)&name, sizeof(name)) < 0)
		klab_check(-errno, "a socket");
}

/* Default outputs: one, with one collector. */
static struct table_collector *one_collector(const char *text, uint32_t path)
{
	uint8_t bytes[16];
	maker_reset(&maker);
	reference_address(bytes, text);
	struct maker_output *output = maker_output(&maker, &maker.rules[0]);
	return maker_collector(&maker, output, bytes, 9995, path, 1);
}

static inline void publish(void)
{
	maker_make(&maker);
	klab_publish(&klab.engine, &maker, MAKER_OUTPUTS);
}

static inline void publish_usual(void)
{
	one_collector("198.51.100.1", KLAB_PATH4);
	publish();
}

/* What has been received is of no interest. */
static inline void forget_received(void)
{
	while (recv(receiver, left.data, sizeof(left.data), 0) >= 0)
		;
}

/* The program between two links, and a socket for what it lets go up. */
static inline void open_lab(void)
{
	klab_open();
	open_receiver();
}

static inline int close_lab(void)
{
	close(receiver);
	klab_close();
	return tap_done();
}

#endif
