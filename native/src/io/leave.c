/* What rows of the table say of how copies leave. */
#include <errno.h>
#include <string.h>

#include "address.h"
#include "sender.h"

void pio_source6(const struct pio_sender *sender, const struct pio_packet *packet,
		 const struct table_leave *leave, uint8_t source[16])
{
	memcpy(source, pio_has_other_source(leave) ? leave->source : packet->source, 16);
	if (!pio_is_ipv4(source))
		return;
	int has_prefix = leave != NULL && (leave->flags & TABLE_LEAVE_PREFIX) != 0;
	memcpy(source, has_prefix ? leave->prefix : sender->options.mapped_prefix, 12);
}

void pio_apply_leave(const struct table_leave *leave, struct pio_datagram *datagram)
{
	datagram->traffic_class = leave->traffic_class;
	if (leave->hop_limit != 0)
		datagram->hop_limit = leave->hop_limit;
	if ((leave->flags & TABLE_LEAVE_SOURCE) != 0 && leave->source_port != 0)
		datagram->source_port = leave->source_port;
}

int pio_check_leave(const struct pio_sender *sender, const struct table_collector *collector)
{
	if (collector->leave > sender->leave_count)
		return EINVAL;
	const struct table_leave *leave = pio_leave_of(sender, collector);
	if (leave == NULL || (leave->flags & TABLE_LEAVE_SOURCE) == 0)
		return 0;
	int is_possible = collector->family == 6 || pio_is_ipv4(leave->source);
	return is_possible && (leave->flags & TABLE_LEAVE_PROXY) == 0 ? 0 : EINVAL;
}
