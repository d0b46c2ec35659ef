#include "sys_peers.h"

#include "netlink.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* asm-generic/socket.h, Linux 4.13. */
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

int sys_unix_peer(int fd, struct sys_peer *peer)
{
	int domain = 0;
	socklen_t bytes = sizeof(domain);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) < 0)
		return -errno;
	/* Other sockets have credentials as well: nobody's. */
	if (domain != AF_UNIX)
		return -EOPNOTSUPP;
	struct ucred found;
	bytes = sizeof(found);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &bytes) < 0)
		return -errno;
	if (found.uid == UINT32_MAX)
		return -ENOTCONN;
	*peer = (struct sys_peer){.pid = (uint32_t)found.pid, .uid = found.uid, .gid = found.gid};
	return 0;
}

int sys_unix_peer_groups(int fd, uint32_t *groups, size_t room)
{
	socklen_t bytes = (socklen_t)(room * sizeof(*groups));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) < 0)
		return -errno;
	return (int)(bytes / sizeof(*groups));
}

/* Puts address and port of a name into the place of the one end of a connection; its family. */
static uint8_t take_end(const struct sockaddr_storage *name, __be32 address[4], __be16 *port)
{
	if (name->ss_family == AF_INET) {
		const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)name;
		address[0] = ipv4->sin_addr.s_addr;
		*port = ipv4->sin_port;
		return AF_INET;
	}
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)name;
	*port = ipv6->sin6_port;
	if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr)) {
		memcpy(address, ipv6->sin6_addr.s6_addr + 12, 4);
		return AF_INET;
	}
	memcpy(address, &ipv6->sin6_addr, 16);
	return AF_INET6;
}

/* A question for the socket that is the other end of fd. */
static int make_question(int fd, struct inet_diag_req_v2 *question)
{
	struct sockaddr_storage here = {0};
	struct sockaddr_storage there = {0};
	socklen_t here_bytes = sizeof(here);
	socklen_t there_bytes = sizeof(there);
	if (getsockname(fd, (struct sockaddr *)&here, &here_bytes) < 0 ||
	    getpeername(fd, (struct sockaddr *)&there, &there_bytes) < 0)
		return -errno;
	bool internet = (here.ss_family == AF_INET || here.ss_family == AF_INET6) &&
			there.ss_family == here.ss_family;
	if (!internet)
		return -EAFNOSUPPORT;
	*question = (struct inet_diag_req_v2){.sdiag_protocol = IPPROTO_TCP};
	struct inet_diag_sockid *id = &question->id;
	/* Its source is our destination. */
	question->sdiag_family = take_end(&there, id->idiag_src, &id->idiag_sport);
	take_end(&here, id->idiag_dst, &id->idiag_dport);
	id->idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return 0;
}

/* The kernel also finds a listener in place of what is not there, and what is about to go. */
static int judge_answer(const struct inet_diag_msg *answer, const struct inet_diag_sockid *asked,
			uint32_t *uid)
{
	const struct inet_diag_sockid *id = &answer->id;
	if (id->idiag_sport != asked->idiag_sport || id->idiag_dport != asked->idiag_dport)
		return -ENOENT;
	/* Without an inode no process has it any more, and idiag_uid is 0. */
	if (answer->idiag_state != TCP_ESTABLISHED || answer->idiag_inode == 0)
		return -ESTALE;
	*uid = answer->idiag_uid;
	return 0;
}

/* What was asked for, and what came of it. */
struct asked {
	const struct inet_diag_sockid *id;
	uint32_t uid;
	int error;
};

static void take_answer(void *context, const struct nlmsghdr *message)
{
	struct asked *asked = context;
	if (message->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    NLMSG_PAYLOAD(message, 0) >= sizeof(struct inet_diag_msg))
		asked->error = judge_answer(NLMSG_DATA(message), asked->id, &asked->uid);
}

static int ask(int netlink, const struct inet_diag_req_v2 *question, uint32_t *uid)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 question;
	} request = {
		.header =
			{
				.nlmsg_len = sizeof(request),
				.nlmsg_type = SOCK_DIAG_BY_FAMILY,
				.nlmsg_flags = NLM_F_REQUEST,
			},
		.question = *question,
	};
	struct asked asked = {.id = &question->id, .error = -EBADMSG};
	int error = netlink_ask(netlink, &request, sizeof(request), take_answer, &asked);
	*uid = asked.uid;
	return error < 0 ? error : asked.error;
}

/* While our end is established, no other connection can have its addresses and ports. */
static int check_established(int fd)
{
	struct tcp_info info;
	socklen_t bytes = sizeof(info);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) < 0)
		return -errno;
	return info.tcpi_state == TCP_ESTABLISHED ? 0 : -ENOTCONN;
}

int sys_tcp_peer_user(int fd, uint32_t *uid)
{
	struct inet_diag_req_v2 question;
	int error = make_question(fd, &question);
	if (error < 0)
		return error;
	int netlink = netlink_open(NETLINK_SOCK_DIAG);
	if (netlink < 0)
		return netlink;
	uint32_t first = 0;
	uint32_t again = 0;
	error = ask(netlink, &question, &first);
	/* That it has a process now proves that it had one when its user was read before. */
	if (error == 0)
		error = ask(netlink, &question, &again);
	close(netlink);
	if (error == 0)
		error = check_established(fd);
	if (error == 0 && first != again)
		error = -ESTALE;
	if (error == 0)
		*uid = first;
	return error;
}
