#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "address.h"
#include "kernel.h"
#include "sys.h"
#include "tap.h"

static const uint8_t loopback4[4] = {127, 0, 0, 1};
static const uint8_t loopback6[16] = {[15] = 1};
static const uint8_t any4[4];
static const uint8_t any6[16];

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 name;
	socklen_t bytes = sizeof(name);
	getsockname(fd, (struct sockaddr *)&name, &bytes);
	return ntohs(name.sin6_port);
}

static int is_close_on_exec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static void test_receiver(void)
{
	uint32_t granted = 0;
	int first = sys_open_receiver(loopback4, 4, 0, 100000, 1, &granted);
	check(first >= 0, "a receiver on a free port");
	check_equal(granted, 200000, "its buffer, as the kernel counts it");
	check(is_close_on_exec(first) && (fcntl(first, F_GETFL) & O_NONBLOCK) != 0,
	      "close-on-exec and non-blocking");
	uint16_t port = port_of(first);
	int second = sys_open_receiver(loopback4, 4, port, 100000, 0, &granted);
	check(second >= 0, "a second one shares the port");
	check(sys_open_receiver(loopback4, 4, port, 1, 1, &granted) == -EADDRINUSE,
	      "exclusive: refused although both would share");
	check(sys_open_receiver(any4, 4, port, 1, 1, &granted) == -EADDRINUSE,
	      "exclusive: the wildcard is refused for one address");
	check(sys_open_receiver(any6, 16, port, 1, 1, &granted) == -EADDRINUSE,
	      "exclusive: the IPv6 wildcard is refused for an IPv4 address");
	check(sys_open_receiver(loopback4, 5, port, 1, 0, &granted) == -EINVAL, "no address");
	check(sys_open_receiver((const uint8_t[]){192, 0, 2, 99}, 4, port, 1, 0, &granted) ==
		      -EADDRNOTAVAIL,
	      "an address that is not ours");
	close(first);
	close(second);
}

static void test_drops(void)
{
	uint32_t granted;
	int fd = sys_open_receiver(loopback4, 4, 0, 0, 0, &granted);
	check_equal((uint64_t)sys_socket_drops(fd), 0, "no drops at first");
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port_of(fd))};
	memcpy(&name.sin_addr, loopback4, 4);
	int sender = socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < 100; i++)
		sendto(sender, "flow", 4, 0, (struct sockaddr *)&name, sizeof(name));
	uint32_t received = 0;
	char byte;
	while (recv(fd, &byte, 1, 0) >= 0)
		received++;
	check_equal((uint64_t)sys_socket_drops(fd), 100 - received,
		    "what did not come in is there");
	check(sys_socket_drops(-1) == -EBADF, "no socket");
	close(sender);
	close(fd);
}

static void test_memory(void)
{
	int fd = sys_memory_create("floxy-test", 4096);
	check(fd >= 0 && is_close_on_exec(fd), "shared memory");
	check_equal((uint64_t)lseek(fd, 0, SEEK_END), 4096, "of the size asked for");
	check_equal((uint64_t)sys_memory_resize(fd, 1u << 30), 0, "resized");
	check_equal((uint64_t)lseek(fd, 0, SEEK_END), 1u << 30, "to the new size");
	check(sys_memory_resize(-1, 1) == -EBADF, "no memory to resize");
	close(fd);
}

static void test_path_mtu(void)
{
	uint8_t address[16];
	memcpy(address, pio_ipv4_prefix, 12);
	memcpy(address + 12, loopback4, 4);
	check(pio_path_mtu(address) >= 1280, "IPv4: the MTU of loopback");
	check(pio_path_mtu(loopback6) >= 1280, "IPv6: the MTU of loopback");
}

/* Runs a function in a child and returns its wait status. */
static int in_child(int (*function)(void))
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit(function());
	int status = 0;
	waitpid(child, &status, 0);
	return status;
}

static int wrong_parent(void)
{
	return sys_die_with_parent(getppid() + 1) == -ESRCH ? 0 : 1;
}

/* The parent makes a child that waits for ever, and ends; the pipe closes when the child is gone.
 */
static int end_above_child(int pipe_end)
{
	int ready[2];
	if (pipe(ready) < 0)
		return 1;
	pid_t parent = getpid();
	if (fork() == 0) {
		if (sys_die_with_parent(parent) == 0 && write(ready[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(pipe_end);
	char byte;
	return read(ready[0], &byte, 1) == 1 ? 0 : 1;
}

static void test_parent(void)
{
	check_equal((uint64_t)in_child(wrong_parent), 0, "a parent that has ended already");
	int ends[2];
	if (pipe(ends) < 0)
		return;
	fflush(stdout);
	pid_t parent = fork();
	if (parent == 0) {
		close(ends[0]);
		_exit(end_above_child(ends[1]));
	}
	close(ends[1]);
	int status = 0;
	waitpid(parent, &status, 0);
	char byte;
	check(status == 0 && read(ends[0], &byte, 1) == 0, "a child dies with its parent");
	close(ends[0]);
}

static int lose_all(void)
{
	if (sys_restrict_privileges(0) != 0)
		return 1;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	if (syscall(SYS_capget, &header, sets) < 0)
		return 2;
	for (int i = 0; i < 2; i++) {
		if ((sets[i].effective | sets[i].permitted | sets[i].inheritable) != 0)
			return 3;
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 4;
	return sys_restrict_privileges(UINT64_MAX) == 0 ? 0 : 5; /* those it lacks are ignored */
}

static int keep_one(void)
{
	if (sys_restrict_privileges(1u << CAP_NET_RAW) != 0)
		return 1;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	if (sys_open_sender(4, 65536) < 0 || syscall(SYS_capget, &header, sets) < 0)
		return 2;
	if (sets[0].permitted != 1u << CAP_NET_RAW || sets[1].permitted != 0)
		return 3;
	sys_restrict_privileges(0);
	return sys_open_sender(4, 65536) == -EPERM ? 0 : 4;
}

static void test_privileges(void)
{
	check_equal((uint64_t)in_child(lose_all), 0, "privileges are given up, root or not");
	if (geteuid() == 0)
		check_equal((uint64_t)in_child(keep_one), 0, "those asked for are kept");
}

static void test_sender(void)
{
	check(sys_open_sender(5, 1) == -EINVAL, "no family");
	if (geteuid() != 0) {
		check(sys_open_sender(4, 1) == -EPERM, "no permission for raw sockets");
		return;
	}
	for (int family = 4; family <= 6; family += 2) {
		int fd = sys_open_sender(family, 1 << 20);
		int granted = 0;
		socklen_t bytes = sizeof(granted);
		getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &granted, &bytes);
		check(fd >= 0 && is_close_on_exec(fd), "a raw socket");
		check_equal((uint64_t)granted, 2 << 20, "its buffer");
		close(fd);
	}
}

int main(void)
{
	test_receiver();
	test_drops();
	test_memory();
	test_path_mtu();
	test_parent();
	test_sender();
	test_privileges();
	return tap_done();
}
