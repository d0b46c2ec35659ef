/*
 * What the kernel would do with a packet: the route it takes, the neighbour it is handed to, the
 * link it leaves by (rtnetlink(7)). Looking changes nothing and needs no privileges.
 */
#ifndef SYS_NETWORK_H
#define SYS_NETWORK_H

#include <stddef.h>
#include <stdint.h>

/* A question: where does a packet to this address go? 20 bytes. */
struct sys_destination {
	uint8_t address[16]; /* network order; IPv4 in the first 4 bytes */
	uint32_t family;     /* 4 or 6 */
};

/* The answer, 52 bytes. */
struct sys_route {
	uint8_t gateway[16]; /* the next hop, where it is not the destination itself */
	uint8_t source[16];  /* which of this host's addresses a packet of its own would have */
	uint32_t error;	     /* positive errno, such as ENETUNREACH; the rest means nothing then */
	uint32_t link;	     /* index of the link it leaves by */
	uint32_t mtu;	     /* of the route; 0 = that of the link */
	uint8_t gateway_family; /* 4 or 6; 0 = the destination is a neighbour itself */
	uint8_t source_family;	/* 4 or 6; 0 = unknown */
	uint8_t type;		/* RTN_* of linux/rtnetlink.h */
	uint8_t reserved[5];
};

/* Answers routes[i] for destinations[i]. 0, or a negative errno when nothing can be asked. */
int sys_find_routes(const struct sys_destination *destinations, struct sys_route *routes,
		    size_t count);

/*
 * How many next hops of a route are told: as many as a path of paths.h has. What a route with more
 * of them does is up to the kernel.
 */
#define SYS_HOPS_MAX 64

#define SYS_HOP_DEAD 1u	   /* the kernel sends nothing by it: its link is down or has no carrier */
#define SYS_HOP_WRAPPED 2u /* packets are put into others (RTA_ENCAP), or their labels change */

/* One of the next hops that a route shares packets among. 24 bytes. */
struct sys_hop {
	uint8_t gateway[16]; /* where it is not the destination itself */
	uint32_t link;
	uint16_t weight;	/* at least 1 */
	uint8_t gateway_family; /* 4 or 6; 0 = the destination is a neighbour itself */
	uint8_t flags;		/* SYS_HOP_* */
};

/* 1,544 bytes. */
struct sys_hops {
	uint32_t error; /* positive errno; the rest means nothing then */
	uint32_t count; /* how many there are, also beyond SYS_HOPS_MAX; 0: the kernel does not say
			 */
	struct sys_hop hops[SYS_HOPS_MAX];
};

/*
 * All next hops of the routes to these addresses, as the routing tables have them
 * (RTM_F_FIB_MATCH): sys_find_routes() tells one of them, and what was learnt of the way besides.
 * 0, or a negative errno when nothing can be asked.
 */
int sys_find_hops(const struct sys_destination *destinations, struct sys_hops *hops, size_t count);

#define SYS_HARDWARE_BYTES 8

/* 32 bytes. */
struct sys_neighbour {
	uint8_t address[16]; /* as above */
	uint32_t link;
	uint16_t state; /* NUD_* of linux/neighbour.h */
	uint8_t family; /* 4 or 6 */
	uint8_t hardware_bytes;
	uint8_t hardware[SYS_HARDWARE_BYTES]; /* its address on the link; what is longer is cut */
};

/* As many as have room; returns how many there are, or a negative errno. */
int sys_neighbours(struct sys_neighbour *neighbours, size_t room);

#define SYS_LINK_NAME 16

/* 44 bytes. */
struct sys_link {
	uint32_t index;
	uint32_t mtu;
	uint32_t ipv6_mtu; /* which routers may have told (RFC 4861 section 4.6.4); 0 = has no IPv6
			    */
	uint32_t flags;	   /* IFF_* of linux/if.h */
	char name[SYS_LINK_NAME];
	uint16_t type; /* ARPHRD_* of linux/if_arp.h */
	uint8_t hardware_bytes;
	uint8_t reserved;
	uint8_t hardware[SYS_HARDWARE_BYTES]; /* its own address */
};

/* As many as have room; returns how many there are, or a negative errno. */
int sys_links(struct sys_link *links, size_t room);

#endif
