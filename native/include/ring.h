/*
 * A ring of packets in shared memory: one writer, many readers, lossy. The writer never waits,
 * makes no system call and does not know its readers; a reader that is too slow loses records, and
 * knows exactly how many.
 *
 *     struct ring_header         RING_DATA bytes
 *     records                    header.bytes, a power of two
 *
 * A position is how many bytes of records were written before it, since the ring was made: it lies
 * at position modulo header.bytes. Records begin at multiples of RING_ALIGNMENT and do not wrap:
 * what would not fit before the end leaves a record with RING_RECORD_PAD there, and begins at the
 * start.
 *
 * Writing: `reserve` is raised first, to at least the position behind what is written next;
 * whatever lies before reserve - bytes may be half overwritten from then on. Then the records are
 * written, then `head` is raised to the position behind the last one: once a batch. At head lies
 * the header of a record to come, in which only the sequence means something: so a position and its
 * sequence are never apart, whenever a writer dies.
 *
 * Reading: a record before head is copied, then reserve is looked at. If position + bytes is less
 * than reserve, the copy may be torn: the reader was overtaken. It goes on at a mark half a ring
 * behind head; the difference of the sequences is what it has lost. All memory that writer and
 * readers share is written and read in words of 64 bits, atomically.
 *
 * Plain C without pointers in shared memory; words are in host order, addresses 16 bytes in network
 * order, IPv4 as ::ffff:a.b.c.d. TypeScript's constants are generated (npm run build:layout).
 * Whoever changes a meaning raises RING_LAYOUT.
 */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

#define RING_MAGIC 0x464c5252u /* "FLRR" */
#define RING_LAYOUT 1u

#define RING_DATA 32768u /* where records begin in the file */
#define RING_ALIGNMENT 64u
#define RING_BYTES_MIN (1u << 20)
#define RING_BYTES_MAX (1u << 30)
#define RING_MARKS 64u
#define RING_PIPELINES 32u /* bits of ring_record.pipelines */
#define RING_SLOTS 256u	   /* of exporters' addresses, see ring_slot */
#define RING_SHARDS 64u	   /* readers of one pipeline at most */
#define RING_PAYLOAD_MAX 65535u

/* ring_record.flags */
#define RING_RECORD_PAD 1u	 /* no packet: the rest up to the end of the ring */
#define RING_RECORD_TRUNCATED 2u /* the datagram was longer than the packet buffer */

struct ring_record {
	uint64_t sequence;    /* 0 is the first packet of the ring */
	uint64_t received_us; /* microseconds of the Unix epoch */
	uint8_t source[16];
	uint32_t pipelines;   /* bit p: it is for pipeline p */
	uint16_t length;      /* payload bytes, which follow */
	uint16_t flags;	      /* RING_RECORD_* */
	uint16_t source_port; /* these two in host order */
	uint16_t listen_port;
	uint32_t reserved;
};

/*
 * The first record that begins in a 64th part of the ring. Part n of all that was ever written has
 * mark n modulo RING_MARKS; one whose position lies in another part is of another round, or being
 * written.
 */
struct ring_mark {
	uint64_t position;
	uint64_t sequence;
	uint64_t counts[RING_PIPELINES]; /* records of each pipeline before it */
};

struct ring_header {
	uint32_t magic;
	uint32_t layout;
	uint64_t bytes; /* of records */
	uint64_t id;	/* random: another ring has another */
	uint64_t reserved0[5];
	uint64_t head;
	uint64_t reserved1[7];
	uint64_t reserve;
	uint64_t reserved2[7];
	struct ring_mark marks[RING_MARKS];
};

/*
 * How far a reader is. All but its first two members are cumulative, and
 *
 *     sequence - first = taken + other_pipelines + other_shards + lost
 *
 * at any time, whatever dies when.
 */
struct ring_account {
	uint64_t position; /* of the next record to look at */
	uint64_t sequence; /* what it must have */
	uint64_t first;	   /* the sequence with which the reader began */
	uint64_t batch;	   /* position before the batch that was taken last */
	uint64_t taken;	   /* records handed over */
	uint64_t bytes;	   /* payload of them */
	uint64_t done; /* of taken: whose batch was finished, as the reader asked for the next */
	uint64_t abandoned; /* of taken: not finished when another process took over */
	uint64_t other_pipelines;
	uint64_t other_shards; /* of the pipeline, but for another shard */
	uint64_t lost;	       /* overwritten before they were looked at, whoever they were for */
	/* Of lost, those for this reader: exact for a pipeline of one shard, else by its share. */
	uint64_t own_lost;
	uint64_t seen;	    /* records of the pipeline before position */
	uint64_t truncated; /* of taken: with RING_RECORD_TRUNCATED */
	uint64_t resyncs;   /* records that made no sense: the ring was damaged */
	uint64_t reserved;
};

/*
 * What a reader keeps in shared memory. All zero = it has never run. One for each shard of each
 * pipeline lies at (pipeline * RING_SHARDS + shard) of a file of its own.
 */
struct ring_reader_state {
	uint64_t ring;	  /* id of the ring that the account is about */
	uint64_t owner;	  /* whose it is, a number of the caller's: another owner begins anew */
	uint64_t stop_at; /* written by control: look at no record from this sequence on; 0 = all */
	uint64_t heartbeat_ms; /* CLOCK_MONOTONIC, at each ring_take */
	uint32_t pid;
	uint32_t generation; /* grows by one with each process */
	uint64_t version;    /* accounts[version % 2] is the one that holds */
	uint64_t reserved[2];
	struct ring_account accounts[2];
};

/* Makes an empty ring of memory that is all zero: RING_DATA + a power of two. 0 or -EINVAL. */
int ring_init(void *memory, size_t memory_bytes, uint64_t id);

/* The bytes of records of a ring, or 0 for what is none. */
uint64_t ring_bytes(const void *memory, size_t memory_bytes);

/* The one writer. Its members are its own. */
struct ring_writer {
	struct ring_header *header;
	uint8_t *data;
	uint64_t mask;
	uint64_t position;
	uint64_t sequence;
	uint64_t reserve;
	uint64_t part; /* of the last mark, counted from 1 */
	uint64_t counts[RING_PIPELINES];
};

/* Goes on behind the last record that was published. 0, or -EINVAL for what is no ring. */
int ring_writer_open(struct ring_writer *writer, void *memory, size_t memory_bytes);

/* Appends a packet; record.sequence is filled in. Readers see it after ring_publish. */
void ring_append(struct ring_writer *writer, const struct ring_record *record,
		 const uint8_t *payload);
void ring_publish(struct ring_writer *writer);

/* Where packets are copied to. Payloads begin at multiples of 8. */
struct ring_batch {
	uint32_t size;	     /* packets that have room */
	uint32_t bytes_size; /* at least RING_PAYLOAD_MAX + 1 */
	uint8_t *bytes;
	uint32_t *offsets; /* of payloads in bytes, [size] as all that follow */
	uint32_t *lengths;
	uint32_t *sources; /* [size * 4], the first octet is the highest of the first word */
	uint16_t *ports;
	uint16_t *listen_ports;
	double *received_ms; /* milliseconds of the Unix epoch */
	uint16_t *flags;     /* RING_RECORD_*; may be NULL */
};

/* Which records a reader takes: of its pipeline, and of exporters whose slot has its shard. */
struct ring_reader_options {
	uint32_t pipeline;
	uint32_t shard;
	const uint8_t *shard_of_slot; /* [RING_SLOTS]; may change between two calls of ring_take */
	uint64_t owner;
	uint32_t pid;
};

struct ring_reader {
	const struct ring_header *header;
	const uint8_t *data;
	uint64_t bytes;
	struct ring_reader_state *state;
	struct ring_reader_options options;
	struct ring_account account;
	uint32_t generation; /* of the state, while no other process has taken over */
	int is_changed;	     /* the account is not yet that of the state */
	int has_more;	     /* more records can be taken at once */
	int is_resynced;     /* any sequence is right for the next record */
};

/*
 * Goes on where the state says that an earlier process was, and counts what that one had not
 * finished as abandoned. Begins behind the last record when the state is of another ring or owner.
 * 0, or -EINVAL for what is no ring.
 */
int ring_reader_open(struct ring_reader *reader, const void *memory, size_t memory_bytes,
		     struct ring_reader_state *state, const struct ring_reader_options *options);

/*
 * Copies out records until the batch or the ring is at its end, or after RING_LOOKS_MAX of them;
 * the batch before it counts as finished. Returns how many there are. Nothing that lies in the ring
 * can make it touch other memory, or go on for ever. One whose state another process has taken over
 * takes nothing any more, and leaves the state alone: it was stopped, and nobody waited for it.
 */
#define RING_LOOKS_MAX 16384u
uint32_t ring_take(struct ring_reader *reader, const struct ring_batch *batch);

/* The batch taken last is finished. */
void ring_done(struct ring_reader *reader);

/*
 * The account of a state, whole, while its reader goes on. 0, or -EAGAIN when it changes too fast
 * or has never run.
 */
int ring_read_account(const struct ring_reader_state *state, struct ring_account *account);

/*
 * Has a reader that does not run begin behind the last record, as ring_reader_open would: nothing
 * that is written from now on escapes it. Nothing when it is of this ring and owner already. 0, or
 * -EINVAL for what is no ring.
 */
int ring_begin(const void *memory, size_t memory_bytes, struct ring_reader_state *state,
	       uint32_t pipeline, uint64_t owner);

/* Has a reader that does not run begin where another one has stopped, with counters at zero. */
void ring_begin_at(struct ring_reader_state *state, const struct ring_reader_state *stopped,
		   uint64_t owner);

/* The sequence of the record to come: how many were ever published. */
uint64_t ring_sequence(const void *memory, size_t memory_bytes);

/* The slot of an exporter's address: 0 to RING_SLOTS - 1, spread evenly. */
uint32_t ring_slot(const uint8_t source[16]);

#endif
