/*
 * The engine in the kernel, from outside: its program is loaded, told what to do, attached to
 * interfaces, and what it has handled is counted. What the program and this side share is in
 * kernel_program.h.
 *
 * Who loads and attaches needs CAP_BPF and CAP_NET_ADMIN; who counts needs the descriptor of a ring
 * and no capability. Return values: 0, a descriptor or a count, or a negative errno. Nothing here
 * is for several threads.
 */
#ifndef KERNEL_ENGINE_H
#define KERNEL_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "kernel_program.h"
#include "pio.h"

enum kernel_map {
	KERNEL_MAP_SETTINGS,
	KERNEL_MAP_CPUS,
	KERNEL_MAP_HOLDS,
	KERNEL_MAP_ADDRESSES,
	KERNEL_MAP_PATHS,
	KERNEL_MAP_TABLES,
	KERNEL_MAP_STATES,
	KERNEL_MAP_RINGS,
	KERNEL_MAPS,
};

struct kernel_options {
	uint32_t processors; /* possible ones, of the machine */
	uint32_t consumers;  /* 1 to KERNEL_CONSUMERS */
	uint32_t ring_bytes; /* of each: a power of two, and of whole pages */
};

/* The memory of a table, of which two take turns. */
struct kernel_table {
	int fd; /* -1: there is none */
	uint8_t *memory;
	size_t bytes;
};

/* All descriptors, and memory of maps. Links, which hold the program at its interfaces, are apart.
 */
struct kernel_engine {
	int program;
	int maps[KERNEL_MAPS];
	int rings[KERNEL_CONSUMERS];
	uint32_t consumers;
	uint32_t processors;
	uint32_t chunks; /* of states that there are */
	struct kernel_settings *settings;
	struct kernel_cpu *cpus; /* [2 * processors] */
	uint8_t *paths;		 /* PATHS_MAX rows */
	struct kernel_table tables[KERNEL_TABLES];
	uint32_t in_force; /* which of them */
	int is_staged;	   /* the other one is the next */
};

/*
 * Makes maps and loads the program: an object file that clang has made of bpf/floxy.c. All packets
 * go up until settings and a table are there. What the verifier says of a program that it refuses
 * is in log, as text. -EPERM without the capabilities, -ENOEXEC for another kind of file.
 */
int kernel_load(struct kernel_engine *engine, const uint8_t *object, size_t bytes,
		const struct kernel_options *options, char *log, size_t log_bytes);

/* Closes all descriptors. The program goes on where links, or qdiscs, hold it. */
void kernel_close(struct kernel_engine *engine);

/*
 * The table that is put in force next. The image is copied; of one like the one before the last,
 * only what has changed. -EINVAL when it is no table of this layout. states: those that outputs of
 * it name are less; packets of others go up.
 */
int kernel_stage(struct kernel_engine *engine, const void *image, size_t bytes, uint32_t states);

/*
 * Every packet is handled by the table that was staged, and none by one before, when it returns.
 * -EINVAL when there is none.
 */
int kernel_put_in_force(struct kernel_engine *engine);

/* An address of this host, 16 bytes as in tables, comes or goes, for listeners at a wildcard. */
int kernel_set_address(struct kernel_engine *engine, const uint8_t address[16], int is_there);

/* Listeners, instead of those of before. -EINVAL for too many. */
int kernel_set_listeners(struct kernel_engine *engine, const struct kernel_listener *listeners,
			 uint32_t count);

/*
 * The program sees packets of an Ethernet interface from then on, before filters that are there.
 * Returns a link, which keeps it there as long as any process has it open; -EOPNOTSUPP where the
 * kernel has none (before Linux 6.6): kernel_attach_filter then.
 */
int kernel_attach(const struct kernel_engine *engine, uint32_t interface_index);

/*
 * The same as a filter of the clsact qdisc (tc-bpf(8)), which stays until it is detached; one of
 * before is replaced. The qdisc is made where there is none, and left.
 */
int kernel_attach_filter(const struct kernel_engine *engine, uint32_t interface_index);
int kernel_detach_filter(uint32_t interface_index);

/*
 * Runs the program with a packet of our own, from its Ethernet header on, to a listener: one that
 * no interface has received, for which holds and whether the program is on do not matter. Returns 0
 * when it was handled: its copies are on their way, but for a last one to an interface without a
 * queue, which is lost, and it has a record. Else the kernel_reason why it is not handled, and
 * nobody gets it. -EINVAL when it is no UDP packet.
 *
 * BPF_PROG_TEST_RUN of bpf(2): net/bpf/test_run.c.
 */
int kernel_try(struct kernel_engine *engine, const uint8_t *frame, size_t bytes);

#define KERNEL_BATCH 256u /* records counted together */

/*
 * What a batch of records changes, as it was before: who takes over from a consumer that died makes
 * it undone, and counts the batch again. In memory that outlives the consumer, all zero at first.
 */
struct kernel_journal {
	/* Where the batch begins in the ring, plus 1; 0: none is being counted. */
	uint64_t position;
	uint16_t slots;
	uint16_t left_outs;
	uint32_t kept; /* of the counters, the first ones; 0: all */
	uint64_t counters[PIO_COUNTERS];
	struct kernel_journal_slot {
		uint64_t index;
		struct pio_slot before;
	} slot[KERNEL_BATCH * 4 + KERNEL_ENTRIES];
	struct kernel_journal_left_out {
		uint64_t index;
		uint64_t before[2];
	} left_out[KERNEL_BATCH + KERNEL_ENTRIES];
};

/* Where a consumer counts: the column of its forwarder. */
struct kernel_consumer_options {
	int ring; /* descriptor, which stays the caller's */
	uint32_t ring_bytes;
	struct kernel_journal *journal;
	pio_sender_t *sender; /* whose counters, slots, notes and batch are used */
	struct table_left_out *left_out;
	uint32_t left_out_count;
	/* By kernel_listener.row: the row of struct pio_listener in the column, or
	 * PIO_LISTENER_NONE. */
	uint8_t listener_rows[KERNEL_LISTENERS];
};

typedef struct kernel_consumer kernel_consumer_t;

/* Finishes what the one before has left in the journal. */
int kernel_consumer_new(kernel_consumer_t **consumer,
			const struct kernel_consumer_options *options);
void kernel_consumer_free(kernel_consumer_t *consumer);

/*
 * Counts up to a batch of records as pio_receive and pio_send count what they have received and
 * sent. Returns how many there were; 0: no more now. The batch of the sender is overwritten:
 * between pio_receive and pio_send nobody calls it.
 */
int kernel_consume(kernel_consumer_t *consumer);

/*
 * All that was there when it was called, and what comes meanwhile only as far as a batch takes it.
 * Returns 0 when a record was still being written: it is left, with those behind it. Else 1.
 */
int kernel_consume_all(kernel_consumer_t *consumer);

#endif
