#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys.h"

/* What a kernel takes in one message (SCM_MAX_FD is 253); ours are about ten. */
#define DESCRIPTORS_MAX 32

/* unix(7), Linux 6.5: the kernel sends along a descriptor of the process that sent. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/* Room for what comes with one message, aligned as the kernel wants it. */
union control_buffer {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) +
		      CMSG_SPACE(sizeof(int))];
};

static int make_address(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

static int close_with(int fd, int error)
{
	close(fd);
	return error;
}

int sys_handover_listen(const char *path)
{
	struct sockaddr_un address;
	int error = make_address(&address, path);
	if (error < 0)
		return error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (unlink(path) < 0 && errno != ENOENT)
		return close_with(fd, -errno);
	mode_t mask = umask(0177);
	int failed = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0;
	error = -errno;
	umask(mask);
	if (failed || listen(fd, 1) < 0)
		return close_with(fd, failed ? error : -errno);
	return fd;
}

/* Root, or the user that may have the descriptors. */
static int is_trusted(int fd, uint32_t user)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
		return 0;
	return peer.uid == 0 || peer.uid == user;
}

int sys_handover_accept(int listener, uint32_t user, const uint8_t *data, size_t bytes,
			const int *fds, size_t count)
{
	if (count > DESCRIPTORS_MAX)
		return -EINVAL;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (!is_trusted(fd, user))
		return close_with(fd, -EPERM);
	union control_buffer control;
	memset(&control, 0, sizeof(control));
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	if (sent != (ssize_t)bytes)
		return close_with(fd, sent < 0 ? -errno : -EMSGSIZE);
	return fd;
}

int sys_handover_connect(const char *path)
{
	struct sockaddr_un address;
	int error = make_address(&address, path);
	if (error < 0)
		return error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int on = 1;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return close_with(fd, -errno);
	/* Older kernels do not have it: see complete(). */
	setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return close_with(fd, -errno);
	return fd;
}

static void take_descriptors(const struct cmsghdr *header, struct sys_handover *taken)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
		if (taken->count < SYS_HANDOVER_DESCRIPTORS)
			taken->fds[taken->count++] = fd;
		else
			close(fd);
	}
}

static void take_control(struct msghdr *message, struct sys_handover *taken)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET)
			continue;
		if (header->cmsg_type == SCM_RIGHTS) {
			take_descriptors(header, taken);
		} else if (header->cmsg_type == SCM_PIDFD) {
			memcpy(&taken->pidfd, CMSG_DATA(header), sizeof(taken->pidfd));
		} else if (header->cmsg_type == SCM_CREDENTIALS) {
			struct ucred sender;
			memcpy(&sender, CMSG_DATA(header), sizeof(sender));
			taken->pid = sender.pid;
			taken->uid = sender.uid;
		}
	}
}

/* The process that sent is still there when its end of the connection is. */
static int is_connected(int fd)
{
	uint8_t byte;
	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

static int complete(int fd, const struct msghdr *message, struct sys_handover *taken)
{
	if ((message->msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0)
		return -EMSGSIZE;
	/* Of a process in another container the kernel tells no number. */
	if (taken->pidfd >= 0 || taken->pid <= 0)
		return 0;
	taken->pidfd = sys_process_open(taken->pid);
	return taken->pidfd >= 0 && is_connected(fd) ? 0 : -ESRCH;
}

void sys_handover_drop(struct sys_handover *taken)
{
	while (taken->count > 0)
		close(taken->fds[--taken->count]);
	if (taken->pidfd >= 0)
		close(taken->pidfd);
	taken->pidfd = -1;
}

int sys_handover_receive(int fd, uint8_t *data, size_t bytes, struct sys_handover *taken)
{
	*taken = (struct sys_handover){.pidfd = -1, .uid = UINT32_MAX};
	union control_buffer control;
	struct iovec part = {.iov_base = data, .iov_len = bytes};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (received <= 0)
		return received < 0 ? -errno : -ECONNRESET;
	take_control(&message, taken);
	int error = complete(fd, &message, taken);
	if (error == 0)
		return (int)received;
	sys_handover_drop(taken);
	return error;
}
