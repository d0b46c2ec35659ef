#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "pio_sys.h"

/* What a kernel takes in one message (SCM_MAX_FD is 253); ours are about ten. */
#define DESCRIPTORS_MAX 32

/* Room for the descriptors of one message, aligned as the kernel wants it. */
union control_buffer {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
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

int pio_handover_listen(const char *path)
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

int pio_handover_accept(int listener, uint32_t user, const uint8_t *data, size_t bytes,
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

static size_t take_descriptors(struct msghdr *message, int *fds, size_t capacity)
{
	size_t taken = 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
			if (taken < capacity)
				fds[taken++] = fd;
			else
				close(fd);
		}
	}
	return taken;
}

int pio_handover_connect(const char *path, uint32_t wait_ms, uint8_t *data, size_t *bytes, int *fds,
			 size_t *count)
{
	struct sockaddr_un address;
	int error = make_address(&address, path);
	if (error < 0)
		return error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	struct timeval limit = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return close_with(fd, -errno);
	union control_buffer control;
	struct iovec part = {.iov_base = data, .iov_len = *bytes};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	if (received <= 0)
		return close_with(fd, received < 0 ? -errno : -ECONNRESET);
	*bytes = (size_t)received;
	*count = take_descriptors(&message, fds, *count);
	if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0)
		error = -EMSGSIZE;
	else if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		error = -errno;
	if (error == 0)
		return fd;
	while (*count > 0)
		close(fds[--*count]);
	return close_with(fd, error);
}
