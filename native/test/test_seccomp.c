/* What a process can still do whose system calls are restricted; each try in a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "sys.h"
#include "sys_seccomp.h"
#include "tap.h"

#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#endif

#define KILLED (-1)

/* Each returns 0, or the errno with which it failed. */
static int result_of(long result)
{
	return result < 0 ? errno : 0;
}

static int open_file(void)
{
	return result_of(open("/etc/passwd", O_RDONLY));
}

static int open_for_writing(void)
{
	return result_of(open("/tmp/floxy-test", O_WRONLY | O_CREAT, 0600));
}

static int open_tcp(void)
{
	return result_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int open_raw(void)
{
	return result_of(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
}

static int open_unix(void)
{
	return result_of(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int open_netlink(void)
{
	return result_of(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int ask_mtu(void)
{
	uint8_t loopback4[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
	uint8_t loopback6[16] = {[15] = 1};
	return pio_path_mtu(loopback4) > 0 && pio_path_mtu(loopback6) > 0 ? 0 : errno;
}

static int set_socket_option(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int on = 1;
	return result_of(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
}

static int bind_socket(void)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	return result_of(bind(fd, (struct sockaddr *)&name, sizeof(name)));
}

static int signal_parent(void)
{
	return result_of(kill(getppid(), 0));
}

static int signal_itself(void)
{
	return result_of(syscall(SYS_tgkill, getpid(), gettid(), 0));
}

static int signal_thread_of_parent(void)
{
	return result_of(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int make_process(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	return result_of(child);
}

static void *do_nothing(void *argument)
{
	return argument;
}

static int make_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, do_nothing, NULL);
	if (error == 0)
		pthread_join(thread, NULL);
	return error;
}

static int make_code(void)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return result_of(mprotect(code, 4096, PROT_READ | PROT_EXEC));
}

static int make_memory(void)
{
	return result_of(memfd_create("floxy-test", 0));
}

static int make_ring(void)
{
	uint8_t parameters[256] = {0};
	return result_of(syscall(__NR_io_uring_setup, 4, parameters));
}

static int change_limits_of_parent(void)
{
	return result_of(syscall(SYS_prlimit64, getppid(), 0, NULL, NULL));
}

static int drop_seccomp(void)
{
	return result_of(prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
}

static int run_program(void)
{
	char *const words[] = {(char *)"true", NULL};
	return result_of(execv("/bin/true", words));
}

static int trace_parent(void)
{
	return result_of(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int read_parent(void)
{
	char byte;
	struct iovec own = {&byte, 1};
	struct iovec other = {&byte, 1};
	return result_of(process_vm_readv(getppid(), &own, 1, &other, 1, 0));
}

static int load_bpf(void)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	return result_of(syscall(SYS_bpf, 0, &attributes, sizeof(attributes)));
}

/* What came of a try in a restricted process: 0, an errno, or KILLED. */
static int outcome_of(int (*try)(void))
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		if (sys_restrict_privileges(0) < 0 || sys_restrict_calls() < 0)
			_exit(255);
		_exit(try());
	}
	int status = 0;
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : -WTERMSIG(status) - 1000;
	return WEXITSTATUS(status);
}

static const struct {
	const char *name;
	int (*try)(void);
	int outcome;
} tries[] = {
	{"asks for the MTU of a way", ask_mtu, 0},
	{"signals itself, as abort does", signal_itself, 0},
	{"makes a thread", make_thread, 0},
	{"makes code, as V8 does", make_code, 0},
	{"cannot read a file", open_file, EPERM},
	{"cannot write a file", open_for_writing, EPERM},
	{"cannot make a TCP socket", open_tcp, EPERM},
	{"cannot make a raw socket", open_raw, EPERM},
	{"cannot make a unix socket", open_unix, EPERM},
	{"cannot make a netlink socket", open_netlink, EPERM},
	{"cannot change options of sockets", set_socket_option, EPERM},
	{"cannot take a port", bind_socket, EPERM},
	{"cannot signal others", signal_parent, EPERM},
	{"nor their threads", signal_thread_of_parent, EPERM},
	{"cannot make a process", make_process, EPERM},
	{"cannot make shared memory", make_memory, EPERM},
	{"cannot make an io_uring", make_ring, EPERM},
	{"cannot touch the limits of others", change_limits_of_parent, EPERM},
	{"cannot lift the restriction", drop_seccomp, EPERM},
	{"dies of running a program", run_program, KILLED},
	{"dies of tracing a process", trace_parent, KILLED},
	{"dies of reading a process", read_parent, KILLED},
	{"dies of loading a program into the kernel", load_bpf, KILLED},
};

static void test_ring(void)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		if (sys_restrict_privileges(0) < 0 || sys_deny_io_uring() < 0)
			_exit(255);
		if (make_ring() != ENOSYS || open_file() != 0)
			_exit(1);
		_exit(fork() == 0 && make_ring() != ENOSYS);
	}
	int status = 0;
	waitpid(child, &status, 0);
	check_equal((uint64_t)status, 0,
		    "without io_uring: it looks as if there was none, only that");
}

int main(void)
{
	if (!sys_can_restrict_calls()) {
		printf("1..0 # SKIP this kernel has no seccomp filters\n");
		return 0;
	}
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int outcome = outcome_of(tries[i].try);
		check(outcome == tries[i].outcome, "a restricted process %s (%d)", tries[i].name,
		      outcome);
	}
	test_ring();
	return tap_done();
}
