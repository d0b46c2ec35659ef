/* Which socket of a group gets a packet: Documentation/networking/filter.rst, SO_REUSEPORT of
 * socket(7). */
#include <errno.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include "forwarders.h"
#include "sys.h"

/* Where the network header is, whatever the packet begins with. */
#define NETWORK(offset) ((uint32_t)SKF_NET_OFF + (offset))

#define IPV4_SOURCE 12u
#define IPV6_SOURCE 8u
#define IPV6_HEADER 40u

/* The accumulator A becomes (A ^ A >> shift). */
#define MIX(shift)                                                                                 \
	BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, shift),               \
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0)

/* A becomes A ^ a word of the network header. */
#define XOR_WORD(offset)                                                                           \
	BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NETWORK(offset)),      \
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0)

int sys_steer_receivers(int fd, uint32_t count)
{
	if (count == 0)
		return -EINVAL;
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 6, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NETWORK(IPV4_SOURCE)),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, FORWARDER_MAPPED),
		BPF_STMT(BPF_ST, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, NETWORK(0)),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, NETWORK(0)),
		BPF_STMT(BPF_JMP | BPF_JA, 12),
		/* Extension headers are not read: all packets of an exporter have them, or none. */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NETWORK(IPV6_SOURCE)),
		XOR_WORD(IPV6_SOURCE + 4),
		XOR_WORD(IPV6_SOURCE + 8),
		XOR_WORD(IPV6_SOURCE + 12),
		BPF_STMT(BPF_ST, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NETWORK(IPV6_HEADER)),
		/* forwarder_of(M[0], A, count) */
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_MEM, 0),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, FORWARDER_FACTOR),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		MIX(FORWARDER_SHIFT),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, FORWARDER_FACTOR2),
		MIX(FORWARDER_SHIFT2),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = {sizeof(instructions) / sizeof(instructions[0]), instructions};
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0
		       ? -errno
		       : 0;
}
