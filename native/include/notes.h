/*
 * What a forwarder notes besides counters: whose packets it has seen, what of them was lost before
 * it came here, which copies to whom could not be sent, and the latest losses one by one. It lies
 * in memory that control reads at any time and that outlives the process; the forwarder is its only
 * writer.
 *
 * All tables are bounded. An exporter or loss is in one of NOTES_PROBES rows behind the one that
 * its hash names; who is not in any of them takes an empty one, or that of another, which is
 * counted. Exporters that no rule matches have a table of their own: who can be anybody pushes out
 * only his like.
 *
 * Whoever changes a meaning raises NOTES_LAYOUT: what another layout noted is forgotten.
 * Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d; all else is in host order. Times
 * are of the Unix epoch.
 */
#ifndef NOTES_H
#define NOTES_H

#include <stdint.h>

#define NOTES_LAYOUT 2u

#define NOTES_EXPORTERS 262144u /* that a rule matches; a power of two, as the next ones */
#define NOTES_STRANGERS 16384u	/* that none matches */
#define NOTES_LOSSES 16384u	/* pairs of collector and error */
/* Sequences of numbers: each domain of an exporter counts by itself. */
#define NOTES_SEQUENCES 131072u	       /* of exporters that a rule matches */
#define NOTES_STRANGE_SEQUENCES 16384u /* of others */
#define NOTES_ROWS                                                                                 \
	(NOTES_EXPORTERS + NOTES_STRANGERS + NOTES_LOSSES + NOTES_SEQUENCES +                      \
	 NOTES_STRANGE_SEQUENCES)
/* Templates of IPFIX. */
#define NOTES_TEMPLATES 16384u	      /* of exporters that a rule matches */
#define NOTES_STRANGE_TEMPLATES 2048u /* of others */
#define NOTES_EVENTS 512u
#define NOTES_PROBES 16u

/* Who has been silent for so long makes room first. */
#define NOTES_SILENT_S 600u

/* The version word with which a payload begins: 16 bits of NetFlow and IPFIX, 32 bits of sFlow. */
#define NOTES_PROTOCOL_LIST(PROTOCOL)                                                              \
	PROTOCOL(OTHER, 0)                                                                         \
	PROTOCOL(NETFLOW_V1, 1)                                                                    \
	PROTOCOL(NETFLOW_V5, 2)                                                                    \
	PROTOCOL(NETFLOW_V7, 3)                                                                    \
	PROTOCOL(NETFLOW_V9, 4)                                                                    \
	PROTOCOL(IPFIX, 5)                                                                         \
	PROTOCOL(SFLOW_V5, 6)

enum notes_protocol {
#define NOTES_PROTOCOL(name, index) NOTES_##name = index,
	NOTES_PROTOCOL_LIST(NOTES_PROTOCOL)
#undef NOTES_PROTOCOL
};

/* Ways to lose something. */
#define NOTES_LOST_SEND 1u	   /* a copy could not be sent: event.error says why */
#define NOTES_LOST_TRUNCATED 2u	   /* a packet was cut */
#define NOTES_LOST_HOP_LIMIT 3u	   /* the hop limit of a packet is used up */
#define NOTES_LOST_NO_COLLECTOR 4u /* no collector of an output can take a packet */

struct notes_endpoint {
	uint8_t address[16];
	uint16_t port;
};

/* 64 bytes, as all rows. */
struct notes_exporter {
	uint8_t address[16];
	uint32_t changes; /* odd while the row is given to another; of all kinds of rows here */
	uint16_t port;
	uint8_t protocols; /* all that it has sent, 1 << enum notes_protocol; 0: nothing is here */
	uint8_t protocol;  /* of the last packet, enum notes_protocol */
	uint32_t first_s;
	uint32_t last_s;
	uint64_t packets;
	uint64_t bytes; /* payload */
	uint64_t truncated;
	uint64_t lost; /* copies, and packets whose hop limit was used up */
};

struct notes_loss {
	uint8_t collector[16];
	uint32_t changes;
	uint16_t port;
	uint16_t error; /* errno; 0: there is nothing here */
	uint64_t copies;
	uint32_t last_s;
	uint16_t exporter_port; /* of the last one */
	uint16_t reserved;
	uint8_t exporter[16];
	uint64_t reserved2;
};

struct notes_event {
	uint8_t exporter[16];
	uint32_t changes;
	uint16_t exporter_port;
	uint8_t kind; /* NOTES_LOST_* */
	uint8_t reserved;
	uint64_t at_ms;
	uint8_t collector[16]; /* of NOTES_LOST_SEND, as the next two */
	uint16_t collector_port;
	uint16_t error;
	uint32_t reserved2;
	uint64_t number; /* of all events, from 1 on */
};

/*
 * The numbers of an exporter's datagrams in one domain, and what they miss. What is missing may
 * still come late: it is lost once 32 to 64 datagrams more have come, or none for NOTES_LATE_S.
 */
struct notes_sequence {
	uint8_t address[16];
	uint32_t changes;
	uint16_t port;
	uint8_t protocol; /* enum notes_protocol; 0: nothing is here */
	uint8_t late;	  /* datagrams in a row that came late */
	/*
	 * Engine of NetFlow v5, source id of v9, observation domain of IPFIX; of sFlow a hash of
	 * agent and sub-agent.
	 */
	uint32_t domain;
	uint32_t next;
	uint32_t last;	  /* number of the last datagram */
	uint32_t last_s;  /* when it came */
	uint32_t missing; /* of the present 32 datagrams */
	uint32_t missing_before;
	uint8_t age; /* datagrams, up to 32 */
	uint8_t flags;
	uint16_t scores;   /* how well each way of counting explains the numbers */
	uint16_t records;  /* of the last datagram */
	uint16_t uptime_s; /* of the exporter; in units of 1024 ms, and modulo 65536 */
	/* Flows of v5, datagrams of v9 and sFlow, data records of IPFIX. */
	uint64_t lost;
};
#define NOTES_LATE_S 5u

union notes_row {
	struct notes_exporter exporter;
	struct notes_loss loss;
	struct notes_sequence sequence;
};

/* How long the records of a template of IPFIX are. Of no interest to readers. */
struct notes_template {
	uint64_t session; /* a hash of exporter and domain */
	uint16_t id;	  /* 0: nothing is here */
	uint8_t variable; /* fields of variable length */
	uint8_t reserved;
	uint32_t last_s;
	uint16_t fixed[24]; /* bytes before each of them, and behind the last one */
};

/* Rows of one page of memory: reading one that was never written would make it take room. */
#define NOTES_PAGE_ROWS 64u

struct notes {
	uint32_t layout;
	uint32_t since_s; /* when it began */
	uint64_t key[2];  /* of hashes, random */
	uint64_t events;  /* so many there were */
	/* Rows that had to make room: with a rule, and without. */
	uint64_t forgotten_exporters;
	uint64_t forgotten_strangers;
	uint64_t forgotten_losses;    /* pairs */
	uint64_t forgotten_copies;    /* and their copies */
	uint64_t forgotten_sequences; /* or that found no room */
	uint32_t opened_s;	      /* when its present writer began */
	uint32_t reserved2;
	uint64_t used[NOTES_ROWS / NOTES_PAGE_ROWS / 64]; /* pages with rows: a bit each */
	uint8_t reserved[4096 - 80 - NOTES_ROWS / NOTES_PAGE_ROWS / 8];
	struct notes_event latest[NOTES_EVENTS]; /* event n at (n - 1) % NOTES_EVENTS */
	/* Exporters, strangers, losses, sequences of exporters, those of strangers. */
	union notes_row rows[NOTES_ROWS];
	struct notes_template templates[NOTES_TEMPLATES + NOTES_STRANGE_TEMPLATES];
};

_Static_assert(sizeof(union notes_row) == 64 && sizeof(struct notes_event) == 64, "a cache line");
_Static_assert(sizeof(struct notes) % 4096 == 0, "whole pages");
_Static_assert(sizeof(struct notes_template) == 64, "a cache line");

/*
 * Before it is written to: begins anew when it is all zero or of another layout. Returns 0 or a
 * negative errno.
 */
int notes_open(struct notes *notes, uint32_t now_s);

/* The hash by which notes_packet() finds an exporter; asks for the memory that it needs. */
uint32_t notes_hash(const struct notes *notes, const uint8_t address[16], uint16_t port);
void notes_prefetch(const struct notes *notes, uint32_t hash, int has_rule);

/* What a datagram says of its place among others. */
struct notes_number {
	uint64_t session; /* a hash of exporter and domain */
	uint32_t hash;	  /* of session and protocol */
	uint32_t domain;
	uint32_t sequence;
	uint32_t uptime_ms; /* 0 where the protocol has none */
	uint32_t records;   /* NOTES_RECORDS_UNKNOWN: it does not say */
	uint8_t protocol;   /* enum notes_protocol; 0: it has no number */
};
#define NOTES_RECORDS_UNKNOWN UINT32_MAX

/*
 * Reads the number of a datagram of an exporter with this hash; asks for the memory that
 * notes_sequence() needs.
 */
void notes_read_number(const struct notes *notes, struct notes_number *number, uint32_t hash,
		       const uint8_t *payload, uint32_t length, int has_rule);

/* What is noted of a packet. */
struct notes_packet {
	const uint8_t *address; /* of its exporter */
	const uint8_t *payload;
	uint32_t length;
	uint32_t lost; /* copies of it that no collector could take, or that its hop limit ends */
	uint16_t port;
	uint8_t has_rule;
	uint8_t is_truncated;
};
void notes_packet(struct notes *notes, const struct notes_packet *packet, uint32_t hash,
		  uint32_t now_s);

/* Sees the number of a packet, if it has one. */
void notes_sequence(struct notes *notes, const struct notes_packet *packet,
		    struct notes_number *number, uint32_t now_s);

/* An event that has no collector. kind: NOTES_LOST_* but for NOTES_LOST_SEND */
void notes_event(struct notes *notes, uint8_t kind, const struct notes_endpoint *exporter,
		 uint64_t now_ms);

/* A copy was sent, and came back as an error. Of whose packet is not known. */
void notes_refusal(struct notes *notes, const struct notes_endpoint *collector, uint16_t error,
		   uint64_t now_ms);

/* A copy was not sent. */
void notes_send_loss(struct notes *notes, const struct notes_endpoint *collector,
		     const struct notes_endpoint *exporter, uint16_t error, uint64_t now_ms);

/* Adds what another has noted that nobody writes to any more; its events are left out. */
void notes_absorb(struct notes *notes, const struct notes *other);

/*
 * Copies rows that are in use, from row *next on and before row end, while they are written to:
 * each is whole. Returns how many there are; *next is where to go on, end when all were looked at.
 * What another layout noted is nothing.
 */
uint32_t notes_read(const struct notes *notes, uint32_t *next, uint32_t end, union notes_row *rows,
		    uint32_t room);

/* Copies the latest events after the one numbered `after`, oldest first. Returns how many. */
uint32_t notes_read_events(const struct notes *notes, uint64_t after,
			   struct notes_event events[NOTES_EVENTS]);

#endif
