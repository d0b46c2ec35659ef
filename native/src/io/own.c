/* Copies from an address of this host: the kernel makes them, and tells what came back of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "count.h"
#include "kernel.h"
#include "sender.h"

/* So many errors are taken at a time. */
#define REFUSALS_MAX 64

static void write_control(uint8_t *place, int level, int type, int value)
{
	struct cmsghdr header = {
		.cmsg_len = CMSG_LEN(sizeof(value)), .cmsg_level = level, .cmsg_type = type};
	memcpy(place, &header, sizeof(header));
	memcpy(place + CMSG_LEN(0), &value, sizeof(value));
}

void pio_build_own(struct pio_message *message, const struct table_collector *collector,
		   const struct pio_datagram *datagram)
{
	uint8_t *first = pio_control_of(message);
	uint8_t *second = first + CMSG_SPACE(sizeof(int));
	if (collector->family == 4) {
		memcpy(&message->name.ipv4.sin_addr, collector->address + 12, 4);
		message->name.ipv4.sin_port = datagram->destination_port;
		write_control(first, IPPROTO_IP, IP_TTL, datagram->hop_limit);
		write_control(second, IPPROTO_IP, IP_TOS, datagram->traffic_class);
		return;
	}
	memcpy(&message->name.ipv6.sin6_addr, collector->address, 16);
	message->name.ipv6.sin6_port = datagram->destination_port;
	write_control(first, IPPROTO_IPV6, IPV6_HOPLIMIT, datagram->hop_limit);
	write_control(second, IPPROTO_IPV6, IPV6_TCLASS, datagram->traffic_class);
}

static void count_refusal(struct pio_sender *sender, const struct pio_socket_error *told)
{
	pio_count_error(sender->options.counters, PIO_REFUSALS, told->error, 1);
	if (sender->options.notes == NULL)
		return;
	struct notes_endpoint collector = {.port = told->port};
	memcpy(collector.address, told->address, 16);
	notes_refusal(sender->options.notes, &collector, (uint16_t)told->error, sender->noted_ms);
}

int pio_take_refusals(struct pio_sender *sender, const struct pio_queue *queue, int error)
{
	struct pio_socket_error told;
	int taken = 0;
	for (; taken < REFUSALS_MAX && pio_next_error(queue->fd, &told); taken++)
		if (told.error != 0)
			count_refusal(sender, &told);
	/* To send does not fail for this: it is what the socket had to tell, also without room to
	 * tell of what. */
	return taken > 0 || error == ECONNREFUSED;
}
