/*
 * Who is at the other end of a connection of this host. The kernel says so, not the other end.
 * Return values: as in sys.h.
 */
#ifndef SYS_PEERS_H
#define SYS_PEERS_H

#include <stddef.h>
#include <stdint.h>

struct sys_peer {
	uint32_t pid; /* 0 when it is in another pid namespace */
	uint32_t uid; /* effective, when it connected; 65534 when it is of another user namespace */
	uint32_t gid;
};

/* Of a connected unix socket (unix(7), SO_PEERCRED). -EOPNOTSUPP for others. */
int sys_unix_peer(int fd, struct sys_peer *peer);

/*
 * The supplementary groups of the same process (SO_PEERGROUPS, Linux 4.13): puts them into groups
 * and returns how many there are; -ERANGE when there is no room for them.
 */
int sys_unix_peer_groups(int fd, uint32_t *groups, size_t room);

/*
 * The user who made the socket at the other end of fd, an accepted TCP connection whose other end
 * is on this host and in this network namespace (sock_diag(7)).
 *
 * Only of a connection that is established at both ends all the while: what the kernel tells of a
 * socket that its process has closed is user 0, and of one that is gone another may have its
 * port. -ENOENT, -ENOTCONN or -ESTALE otherwise; without sock_diag what socket(2) or send(2) say.
 */
int sys_tcp_peer_user(int fd, uint32_t *uid);

#endif
