/* Counts what the program in the kernel has handled. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "count.h"
#include "journal.h"
#include "sender.h"

struct kernel_consumer {
	struct kernel_ring ring;
	struct kernel_column column;
	struct pio_sender *sender;
	/* Of the batch: records in order, of packets and of losses. */
	const struct kernel_record *records[KERNEL_BATCH];
	uint32_t count;
	uint32_t packets;
	uint32_t slots, left_outs; /* that they change, at most */
	uint32_t unreadable;	   /* records besides */
	int has_errors;		   /* counting the records changes counters of errnos */
	uint8_t listener_rows[KERNEL_LISTENERS];
};

int kernel_consumer_new(kernel_consumer_t **consumer, const struct kernel_consumer_options *options)
{
	*consumer = NULL;
	if (options->sender == NULL || options->journal == NULL ||
	    (options->left_out == NULL && options->left_out_count > 0))
		return -EINVAL;
	struct kernel_consumer *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return -ENOMEM;
	int error = kernel_ring_open(&made->ring, options->ring, options->ring_bytes);
	if (error < 0) {
		free(made);
		return error;
	}
	made->sender = options->sender;
	memcpy(made->listener_rows, options->listener_rows, sizeof(made->listener_rows));
	made->column = (struct kernel_column){
		.journal = options->journal,
		.counters = options->sender->options.counters,
		.slots = options->sender->options.slots,
		.slot_count = options->sender->options.slot_count,
		.left_out = options->left_out,
		.left_out_count = options->left_out_count,
	};
	journal_recover(&made->column, &made->ring);
	*consumer = made;
	return 0;
}

void kernel_consumer_free(kernel_consumer_t *consumer)
{
	if (consumer == NULL)
		return;
	kernel_ring_close(&consumer->ring);
	free(consumer);
}

static const uint32_t *entries_of(const struct kernel_record *record)
{
	return (const uint32_t *)(record + 1);
}

static const uint8_t *payload_of(const struct kernel_record *record)
{
	return (const uint8_t *)(entries_of(record) + record->entry_room);
}

static uint32_t index_of(uint32_t entry)
{
	return entry & KERNEL_ENTRY_INDEX;
}

static uint32_t outcome_of(uint32_t entry)
{
	return entry >> KERNEL_ENTRY_SHIFT;
}

static int is_left_out(uint32_t entry)
{
	return outcome_of(entry) == KERNEL_ENTRY_SAMPLED;
}

/* Of a copy: the errno with which it was not sent, or 0. */
static uint32_t error_of(const struct kernel_column *column, uint32_t entry)
{
	uint32_t outcome = outcome_of(entry);
	return outcome == 0 && index_of(entry) >= column->slot_count ? EINVAL : outcome;
}

/* Whether counting the record changes a counter of an errno. */
static int has_error(const struct kernel_column *column, const struct kernel_record *record)
{
	const uint32_t *entries = entries_of(record);
	int found = record->input_slot >= column->slot_count;
	for (uint32_t i = 0; i < record->entries; i++)
		found |= !is_left_out(entries[i]) && error_of(column, entries[i]) != 0;
	return found;
}

/* Asks for the memory in which a record will be counted. Returns whether the journal has room for
 * what it changes. */
static int ask_for(struct kernel_consumer *consumer, const struct kernel_record *record)
{
	const struct kernel_column *column = &consumer->column;
	const uint32_t *entries = entries_of(record);
	uint32_t left_outs = consumer->left_outs;
	for (uint32_t i = 0; i < record->entries; i++) {
		left_outs += (uint32_t)is_left_out(entries[i]);
		if (!is_left_out(entries[i]) && index_of(entries[i]) < column->slot_count)
			__builtin_prefetch(&column->slots[index_of(entries[i])], 1);
	}
	if (record->input_slot < column->slot_count)
		__builtin_prefetch(&column->slots[record->input_slot], 1);
	uint32_t slots = consumer->slots + 1 + record->entries - (left_outs - consumer->left_outs);
	if (!journal_has_room(slots, left_outs))
		return 0;
	consumer->slots = slots;
	consumer->left_outs = left_outs;
	return 1;
}

/* Notes what counting the record will change. */
static void prepare(struct kernel_consumer *consumer, const struct kernel_record *record)
{
	const uint32_t *entries = entries_of(record);
	if (record->kind != KERNEL_RECORD_PACKET)
		return;
	journal_slot(&consumer->column, record->input_slot);
	for (uint32_t i = 0; i < record->entries; i++) {
		if (is_left_out(entries[i]))
			journal_left_out(&consumer->column, index_of(entries[i]));
		else
			journal_slot(&consumer->column, index_of(entries[i]));
	}
}

/* Whether a record is what the program writes, whatever its size. */
static int is_whole(const struct kernel_ring_record *found)
{
	const struct kernel_record *record = found->data;
	if (record == NULL || found->bytes < sizeof(*record) ||
	    record->entries > record->entry_room)
		return 0;
	return sizeof(*record) + record->entry_room * sizeof(uint32_t) + record->payload_bytes <=
	       found->bytes;
}

/* Collects a batch from a position on. Returns the position behind it. */
static uint64_t collect(struct kernel_consumer *consumer, uint64_t position)
{
	struct kernel_ring_record found;
	uint32_t most = consumer->sender->options.batch.size;
	consumer->count = 0;
	consumer->packets = 0;
	consumer->slots = 0;
	consumer->left_outs = 0;
	consumer->unreadable = 0;
	consumer->has_errors = 0;
	while (consumer->count < KERNEL_BATCH && consumer->packets < most &&
	       kernel_ring_read(&consumer->ring, position, &found)) {
		const struct kernel_record *record = found.data;
		if (is_whole(&found)) {
			if (!ask_for(consumer, record))
				break;
			consumer->records[consumer->count++] = record;
			consumer->packets += record->kind == KERNEL_RECORD_PACKET;
			consumer->has_errors |= has_error(&consumer->column, record);
		} else {
			consumer->unreadable += found.data != NULL;
		}
		position = found.next;
	}
	return position;
}

static uint8_t listener_row(const struct kernel_consumer *consumer, uint8_t listener)
{
	return listener < KERNEL_LISTENERS ? consumer->listener_rows[listener] : PIO_LISTENER_NONE;
}

static void take_packet(struct kernel_consumer *consumer, const struct kernel_record *record,
			uint32_t index)
{
	const struct pio_batch *batch = &consumer->sender->options.batch;
	struct pio_packet *packet = &batch->packets[index];
	uint32_t bytes = record->payload_bytes < batch->payload_bytes ? record->payload_bytes
								      : batch->payload_bytes;
	uint32_t header = KERNEL_HEADER_BYTES < batch->payload_bytes ? KERNEL_HEADER_BYTES
								     : batch->payload_bytes;
	memcpy(packet->source, record->source, sizeof(packet->source));
	packet->source_port = record->source_port;
	packet->flags = record->flags;
	packet->input_slot = record->input_slot;
	packet->length = record->length;
	packet->listen_port = record->listen_port;
	packet->hop_limit = record->hop_limit;
	packet->listener = listener_row(consumer, record->listener);
	/* Nothing is left of another packet where headers are read. */
	uint8_t *payload = pio_payload(batch, index);
	if (bytes < header)
		memset(payload + bytes, 0, header - bytes);
	memcpy(payload, payload_of(record), bytes);
}

/* The packets of the batch are as if they had been received. */
static void take_packets(struct kernel_consumer *consumer)
{
	uint64_t *counters = consumer->column.counters;
	uint64_t bytes = 0, dropped = 0, without_collector = 0;
	uint32_t index = 0;
	for (uint32_t i = 0; i < consumer->count; i++) {
		const struct kernel_record *record = consumer->records[i];
		if (record->kind != KERNEL_RECORD_PACKET)
			continue;
		take_packet(consumer, record, index++);
		bytes += record->length;
		dropped += record->is_dropped;
		without_collector += record->flags / PIO_PACKET_NO_COLLECTOR;
	}
	pio_count(&counters[PIO_RECEIVED_PACKETS], index);
	pio_count(&counters[PIO_RECEIVED_BYTES], bytes);
	pio_count(&counters[PIO_DROPPED_BY_RULE], dropped);
	pio_count(&counters[PIO_NO_ELIGIBLE_COLLECTOR], without_collector);
	if (consumer->unreadable > 0)
		pio_count_error(counters, PIO_RECEIVE_ERRORS, EBADMSG, consumer->unreadable);
}

static void count_left_out(const struct kernel_column *column, uint32_t index, uint32_t length)
{
	if (index >= column->left_out_count)
		return;
	pio_count(&column->left_out[index].sampled[0], 1);
	pio_count(&column->left_out[index].sampled[1], length);
}

/* What became of a copy, or who left the packet out. */
static void count_entry(const struct kernel_column *column, uint32_t entry, uint32_t length)
{
	uint32_t index = index_of(entry);
	if (is_left_out(entry)) {
		count_left_out(column, index, length);
		return;
	}
	uint32_t error = error_of(column, entry);
	if (error != 0) {
		pio_count_error(column->counters, PIO_SEND_ERRORS, (int)error, 1);
		return;
	}
	pio_count(&column->slots[index].packets, 1);
	pio_count(&column->slots[index].bytes, length);
	pio_count(&column->counters[PIO_FORWARDED_PACKETS], 1);
	pio_count(&column->counters[PIO_FORWARDED_BYTES], length);
}

static void note_loss(const struct pio_sender *sender, const struct kernel_record *record)
{
	struct kernel_loss loss;
	if (sender->options.notes == NULL || record->payload_bytes < sizeof(loss) ||
	    record->input_slot == TABLE_SLOT_PROBE)
		return;
	memcpy(&loss, payload_of(record), sizeof(loss));
	struct notes_endpoint exporter = {.port = record->source_port};
	struct notes_endpoint collector = {.port = loss.port};
	memcpy(exporter.address, record->source, 16);
	memcpy(collector.address, loss.address, 16);
	notes_send_loss(sender->options.notes, &collector, &exporter, loss.error, sender->noted_ms);
}

static void count_copies(struct kernel_consumer *consumer)
{
	for (uint32_t i = 0; i < consumer->count; i++) {
		const struct kernel_record *record = consumer->records[i];
		const uint32_t *entries = entries_of(record);
		if (record->kind == KERNEL_RECORD_LOSS) {
			note_loss(consumer->sender, record);
			continue;
		}
		for (uint32_t k = 0; k < record->entries; k++)
			count_entry(&consumer->column, entries[k], record->length);
	}
}

int kernel_consume(kernel_consumer_t *consumer)
{
	uint64_t position = kernel_ring_position(&consumer->ring);
	struct kernel_ring_record first;
	if (!kernel_ring_read(&consumer->ring, position, &first))
		return 0;
	uint64_t next = collect(consumer, position);
	if (next == position)
		return 0;
	journal_begin(&consumer->column, consumer->has_errors || consumer->unreadable > 0);
	/* With many rules each slot waits for memory: it was asked for in all records before. */
	for (uint32_t i = 0; i < consumer->count; i++)
		prepare(consumer, consumer->records[i]);
	journal_commit(&consumer->column, position);
	take_packets(consumer);
	pio_count_packets(consumer->sender, consumer->packets);
	pio_note_packets(consumer->sender, consumer->packets);
	count_copies(consumer);
	kernel_ring_advance(&consumer->ring, next);
	journal_end(&consumer->column);
	return (int)consumer->count;
}

int kernel_consume_all(kernel_consumer_t *consumer)
{
	const struct kernel_ring *ring = &consumer->ring;
	uint64_t end = kernel_ring_end(ring), before;
	while ((before = kernel_ring_position(ring)) < end) {
		kernel_consume(consumer);
		if (kernel_ring_position(ring) == before)
			return 0;
	}
	return 1;
}
