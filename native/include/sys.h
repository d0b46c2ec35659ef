/*
 * The system calls around packet I/O that Node has no words for: sockets, shared memory,
 * privileges.
 * Return values: 0, a file descriptor or a count, or a negative errno. Descriptors are
 * close-on-exec.
 */
#ifndef SYS_H
#define SYS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Opens and binds a UDP socket with SO_REUSEPORT, non-blocking. address: network order, 4 or 16
 * bytes. An IPv6 wildcard takes IPv4 too (IPV6_V6ONLY off). Asks for a receive buffer of
 * receive_buffer bytes of payload memory (SO_RCVBUFFORCE, else SO_RCVBUF) and puts what was
 * granted, as the kernel counts it (getsockopt SO_RCVBUF), into *granted.
 * exclusive: first makes sure that no other socket has the port (binds once without SO_REUSEPORT):
 * -EADDRINUSE otherwise, also when the other one has SO_REUSEPORT itself.
 */
int sys_open_receiver(const uint8_t *address, size_t address_bytes, uint16_t port,
		      uint32_t receive_buffer, int exclusive, uint32_t *granted);

/*
 * Of the sockets that are bound to one address and port, the one that was bound as number i, from
 * 0, gets the packets of those exporters whose forwarder is i of count (forwarders.h). fd: any of
 * them. Packets for one that is not there go by the kernel's own choice.
 */
int sys_steer_receivers(int fd, uint32_t count);

/*
 * Opens a raw socket that sends header-included packets, family 4 or 6, non-blocking. It tells what
 * a queueing discipline drops (ENOBUFS), and keeps errors of too large packets, which have to be
 * taken (MSG_ERRQUEUE): poll(2) has POLLERR until then.
 */
int sys_open_sender(int family, uint32_t send_buffer);

/*
 * Opens a packet socket that sends whole Ethernet frames by any link (packet(7)), past the queueing
 * discipline (PACKET_QDISC_BYPASS), non-blocking. It never receives anything. -EPERM without
 * CAP_NET_RAW.
 */
int sys_open_frame_sender(uint32_t send_buffer);

/* Programs that are executed from now on do not get the descriptor: for one that other code opened.
 */
int sys_close_on_exec(int fd);

/*
 * Opens a UDP socket that sends from an address of this host, IPv4 or IPv6 (family 4 or 6), from a
 * port that the kernel chooses. It fragments what is larger than the MTU, takes nothing that is
 * sent to it, and keeps what comes back by ICMP. Returns it, or -EAFNOSUPPORT without the family.
 */
int sys_open_own_sender(int family, uint32_t send_buffer);

/* At least so many bytes if it may, else as many as the host allows. 0 or a negative errno. */
int sys_set_send_buffer(int fd, uint32_t bytes);

/* Datagrams that the kernel dropped at this socket since it was opened, modulo 2^32. */
int64_t sys_socket_drops(int fd);

/* A new anonymous shared memory file (memfd_create), all zero and sparse. */
int sys_memory_create(const char *name, uint64_t bytes);

/* Touching what was mapped and is cut off kills the process (SIGBUS): see sys_memory_seal. */
int sys_memory_resize(int fd, uint64_t bytes);

/*
 * What whoever has a descriptor cannot do any more, whatever it is open for (fcntl(2),
 * F_ADD_SEALS): make the memory shorter, and with against_writing also write to it or map it for
 * writing, which mappings from before still can. Cannot be undone, nor can seals be added. -EPERM
 * when it is sealed already.
 */
int sys_memory_seal(int fd, int against_writing);

/* The calling process gets SIGKILL when its parent ends; -ESRCH when it has already. */
int sys_die_with_parent(int parent_pid);

/*
 * Gives up for good, in this thread and all children it makes, every capability but those in keep
 * (a bit mask by capability number; those the process does not have are ignored), and the gaining
 * of new ones by exec (PR_SET_NO_NEW_PRIVS). Clears the ambient set. The bounding set stays: it
 * gives nothing any more, and a program file with a capability outside of it could not be executed
 * at all.
 */
int sys_restrict_privileges(uint64_t keep);

/*
 * Handing descriptors from a process to its successor over a unix socket (unix(7), SCM_RIGHTS).
 *
 * listen: a socket at path that only this user can reach; one that is left there is replaced.
 * -ENAMETOOLONG beyond 107 bytes.
 */
int sys_handover_listen(const char *path);

/*
 * Gives one client that waits on the listener data and descriptors, in one message. Returns the
 * connection, or -EAGAIN when nobody waits, -EPERM when it was neither root nor user.
 */
int sys_handover_accept(int listener, uint32_t user, const uint8_t *data, size_t bytes,
			const int *fds, size_t count);

/* Connects to a listener without waiting: -EAGAIN when its queue is full, -ECONNREFUSED when nobody
 * listens any more. */
int sys_handover_connect(const char *path);

#define SYS_HANDOVER_DESCRIPTORS 32

/* What came over a connection, and from whom: the kernel says so, not the sender. */
struct sys_handover {
	int pid;      /* 0 when it is in another pid namespace */
	uint32_t uid; /* UINT32_MAX when unknown */
	int pidfd;    /* -1 with pid 0 */
	size_t count;
	int fds[SYS_HANDOVER_DESCRIPTORS];
};

/*
 * Takes what sys_handover_accept gives, without waiting. Returns how many bytes came; -EAGAIN when
 * nothing has come yet, -ECONNRESET when nothing will, -EMSGSIZE when it was more than fits,
 * -ESRCH when the sender has ended. Descriptors in *taken are the caller's when it succeeds.
 */
int sys_handover_receive(int fd, uint8_t *data, size_t bytes, struct sys_handover *taken);

/* Closes all that was taken. */
void sys_handover_drop(struct sys_handover *taken);

/*
 * Processes by descriptor (pidfd_open(2)): it never means another process that got the same number.
 *
 * open: -ESRCH when there is none.
 */
int sys_process_open(int pid);

/* SIGKILL. -ESRCH when it has ended and was waited for. */
int sys_process_kill(int pidfd);

/* 1 when it has ended, else 0. */
int sys_process_ended(int pidfd);

/* The caller's own descriptor of what the process has open as fd (pidfd_getfd(2), Linux 5.6);
 * -EPERM without the right to trace it (ptrace(2)), -EBADF when it is not open. */
int sys_process_descriptor(int pidfd, int fd);

/* 1 when something such as NTP keeps the clock of this host right (adjtimex(2)), else 0. */
int sys_clock_is_synchronised(void);

/* What a socket is: numbers of socket(2), and where it is bound. */
struct sys_socket_name {
	uint32_t domain;
	uint32_t type;
	uint32_t protocol;
	uint32_t receive_buffer; /* as the kernel counts it */
	uint32_t port;
	uint32_t address_bytes; /* 4 or 16; 0 for other domains */
	uint8_t address[16];	/* network order */
};

/* -ENOTSOCK when fd is none. */
int sys_socket_describe(int fd, struct sys_socket_name *name);

/*
 * A socket of a SO_REUSEPORT group gets no more packets, but keeps those that wait: it is connected
 * to the discard port of its own address, and the kernel passes over connected sockets.
 */
int sys_socket_cut_off(int fd);

/*
 * Tells the service manager (sd_notify(3)). path: as NOTIFY_SOCKET has it; with '@' in front the
 * name of an abstract socket. Does not wait: -EAGAIN when the manager does not read. -ENAMETOOLONG
 * beyond 107 bytes.
 */
int sys_notify(const char *path, const uint8_t *text, size_t bytes);

/* Seals of shared memory (fcntl(2), F_GET_SEALS); -EINVAL when fd is not such memory. */
int sys_memory_seals(int fd);

#endif
