/* A kernel that says by netlink what a test has it say. */
#ifndef FAKE_NETLINK_H
#define FAKE_NETLINK_H

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "tap.h"

#define MESSAGES 8

static inline void gives(int actual, int expected, const char *name)
{
	if (!check(actual == expected, "%s", name))
		printf("# is %d, expected %d\n", actual, expected);
}

/* What the kernel says, one datagram after the other. */
static _Alignas(struct nlmsghdr) char datagrams[MESSAGES][4096];
static ssize_t lengths[MESSAGES]; /* a negative errno instead */
static int said, told;

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags);

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
	(void)fd;
	(void)bytes;
	(void)flags;
	return (ssize_t)length;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags)
{
	(void)fd;
	(void)length;
	(void)flags;
	if (told == said || lengths[told] < 0) {
		errno = told == said ? EAGAIN : (int)-lengths[told++];
		return -1;
	}
	memcpy(bytes, datagrams[told], (size_t)lengths[told]);
	return lengths[told++];
}

static inline void forget(void)
{
	said = 0;
	told = 0;
	memset(lengths, 0, sizeof(lengths));
}

/* Begins a datagram with a message, or adds one to it. */
static inline struct nlmsghdr *message(int datagram, uint16_t type, const void *body, size_t bytes)
{
	struct nlmsghdr *header =
		(struct nlmsghdr *)(void *)(datagrams[datagram] + lengths[datagram]);
	memset(header, 0, NLMSG_SPACE(bytes));
	header->nlmsg_type = type;
	header->nlmsg_len = (uint32_t)NLMSG_LENGTH(bytes);
	memcpy(NLMSG_DATA(header), body, bytes);
	if (datagram >= said)
		said = datagram + 1;
	lengths[datagram] += (ssize_t)NLMSG_ALIGN(header->nlmsg_len);
	return header;
}

/* Adds an attribute to the last message of a datagram. Returns where its value is. */
static inline void *attribute(int datagram, struct nlmsghdr *header, unsigned short type,
			      const void *value, size_t bytes)
{
	char *end = datagrams[datagram] + lengths[datagram];
	struct rtattr *added = (struct rtattr *)(void *)end;
	memset(added, 0, RTA_SPACE(bytes));
	added->rta_type = type;
	added->rta_len = (unsigned short)RTA_LENGTH(bytes);
	if (bytes > 0)
		memcpy(RTA_DATA(added), value, bytes);
	header->nlmsg_len += (uint32_t)RTA_ALIGN(added->rta_len);
	lengths[datagram] += (ssize_t)RTA_ALIGN(added->rta_len);
	return RTA_DATA(added);
}

static inline void number(int datagram, struct nlmsghdr *header, unsigned short type,
			  uint32_t value)
{
	attribute(datagram, header, type, &value, sizeof(value));
}

#endif
