#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys.h"
#include "tap.h"

static const uint8_t text[] = "READY=1";

/* A socket of a service manager, by the bytes of its name. */
static int manager(const char *name, size_t bytes)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, name, bytes);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
	if (bind(fd, (struct sockaddr *)&address, size) < 0)
		perror("bind");
	return fd;
}

static int is_told(int fd)
{
	uint8_t got[64];
	ssize_t bytes = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	return bytes == sizeof(text) - 1 && memcmp(got, text, sizeof(text) - 1) == 0;
}

static void test_path(void)
{
	char path[] = "/tmp/floxy-notify-XXXXXX";
	close(mkstemp(path));
	unlink(path);
	check(sys_notify(path, text, sizeof(text) - 1) == -ENOENT, "no socket at the path");
	int fd = manager(path, strlen(path));
	check(sys_notify(path, text, sizeof(text) - 1) == 0 && is_told(fd), "a path");
	int full = 0;
	for (int i = 0; i < 100000 && full == 0; i++)
		full = sys_notify(path, text, sizeof(text) - 1);
	check(full == -EAGAIN, "a manager that does not read is not waited for");
	close(fd);
	check(sys_notify(path, text, sizeof(text) - 1) == -ECONNREFUSED, "nobody has it open");
	unlink(path);
}

static void test_abstract(void)
{
	char name[64];
	snprintf(name, sizeof(name), "@floxy-notify-%d", getpid());
	char bound[64];
	memcpy(bound, name, sizeof(name));
	bound[0] = '\0';
	int fd = manager(bound, strlen(name));
	check(sys_notify(name, text, sizeof(text) - 1) == 0 && is_told(fd), "an abstract name");
	close(fd);
}

static void test_names(void)
{
	char name[120];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	check(sys_notify("", text, sizeof(text) - 1) == -EINVAL, "no name");
	check(sys_notify(name, text, sizeof(text) - 1) == -ENAMETOOLONG, "a name too long");
}

int main(void)
{
	test_path();
	test_abstract();
	test_names();
	return tap_done();
}
