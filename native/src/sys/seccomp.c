#include "sys_seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#define FOREIGN_CALLS 0x40000000u /* x32: the same calls by other numbers */
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#define FOREIGN_CALLS UINT32_MAX /* none */
#endif

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Newer than the headers of some systems that are served. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#endif

/* The busiest ones first: kernels before 5.11 compare one after the other. */
static const uint32_t allowed[] = {
	__NR_recvmmsg,
	__NR_sendmmsg,
	__NR_epoll_pwait,
#ifdef __NR_epoll_wait
	__NR_epoll_wait,
#endif
	__NR_futex,
	__NR_read,
	__NR_write,
	/* Descriptors that are open, and the event loop. */
	__NR_accept4,
	__NR_close,
	__NR_connect,
	__NR_dup,
	__NR_dup3,
	__NR_epoll_create1,
	__NR_epoll_ctl,
#ifdef __NR_epoll_pwait2
	__NR_epoll_pwait2,
#endif
	__NR_eventfd2,
	__NR_fstat,
	__NR_getpeername,
	__NR_getsockname,
	__NR_getsockopt,
	__NR_lseek,
	__NR_newfstatat, /* how newer C libraries ask for fstat; tells of a path what stat tells */
	__NR_pipe2,
#ifdef __NR_poll
	__NR_poll,
#endif
	__NR_ppoll,
	__NR_pread64,
	__NR_pwrite64,
	__NR_readv,
	__NR_recvfrom,
	__NR_recvmsg,
	__NR_sendmsg,
	__NR_sendto,
	__NR_shutdown,
	__NR_writev,
	/* Memory: V8 writes code and makes it executable. */
	__NR_brk,
	__NR_madvise,
	__NR_membarrier,
	__NR_mmap,
	__NR_mprotect,
	__NR_mremap,
	__NR_munmap,
	__NR_pkey_alloc,
	__NR_pkey_free,
	__NR_pkey_mprotect,
	/* Threads and signals of its own. */
	__NR_exit,
	__NR_exit_group,
	__NR_get_robust_list,
	__NR_gettid,
	__NR_restart_syscall,
#ifdef __NR_rseq
	__NR_rseq,
#endif
	__NR_rt_sigaction,
	__NR_rt_sigpending,
	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
	__NR_rt_sigtimedwait,
	__NR_sched_getaffinity,
	__NR_sched_getparam,
	__NR_sched_getscheduler,
	__NR_sched_yield,
	__NR_set_robust_list,
	__NR_set_tid_address,
	__NR_sigaltstack,
	/* What time it is, who and where it is. */
	__NR_clock_getres,
	__NR_clock_gettime,
	__NR_clock_nanosleep,
	__NR_getcpu,
	__NR_getcwd,
	__NR_getegid,
	__NR_geteuid,
	__NR_getgid,
	__NR_getpid,
	__NR_getppid,
	__NR_getrandom,
	__NR_getrusage,
	__NR_gettimeofday,
	__NR_getuid,
	__NR_nanosleep,
	__NR_sysinfo,
	__NR_uname,
};

/* No code of ours calls these: whoever does has broken in. */
static const uint32_t deadly[] = {
	__NR_bpf,
	__NR_execve,
	__NR_execveat,
	__NR_finit_module,
	__NR_init_module,
	__NR_kexec_load,
	__NR_mount,
	__NR_perf_event_open,
#ifdef __NR_pidfd_getfd
	__NR_pidfd_getfd,
#endif
	__NR_pivot_root,
	__NR_process_vm_readv,
	__NR_process_vm_writev,
	__NR_ptrace,
	__NR_setns,
	__NR_umount2,
	__NR_unshare,
	__NR_userfaultfd,
};

static const uint32_t fcntl_commands[] = {
	F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC, F_GET_SEALS,
};
/* TIOCOUTQ is SIOCOUTQ of sockets; the last one asks whether it is a terminal. */
static const uint32_t ioctl_requests[] = {FIONBIO, FIOCLEX, FIONREAD, TIOCOUTQ, TCGETS};
static const uint32_t prctl_options[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA};

struct program {
	struct sock_filter code[512];
	uint16_t length;
};

static void emit(struct program *program, struct sock_filter instruction)
{
	program->code[program->length++] = instruction;
}

static void load(struct program *program, size_t offset)
{
	emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* The half of an argument that has all of a 32-bit one, and the flags of clone. */
static void load_argument(struct program *program, uint32_t argument)
{
	load(program, offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
}

static void answer(struct program *program, uint32_t action)
{
	emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The next `length` instructions are for one value only. */
static void only_for(struct program *program, uint32_t value, uint8_t length)
{
	emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, length));
}

static void answer_for(struct program *program, const uint32_t *values, size_t count,
		       uint32_t action)
{
	for (size_t i = 0; i < count; i++) {
		only_for(program, values[i], 1);
		answer(program, action);
	}
}

#define DENIED (SECCOMP_RET_ERRNO | EPERM)

/* A call is allowed when one argument has one of these values. */
static void allow_by_argument(struct program *program, uint32_t call, uint32_t argument,
			      const uint32_t *values, size_t count)
{
	only_for(program, call, (uint8_t)(2 + 2 * count));
	load_argument(program, argument);
	answer_for(program, values, count, SECCOMP_RET_ALLOW);
	answer(program, DENIED);
}

/* UDP sockets: the MTU of a way is asked of one that is connected. */
static void allow_udp_sockets(struct program *program)
{
	only_for(program, __NR_socket, 8);
	load_argument(program, 0);
	emit(program,
	     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)AF_INET, 1, 0));
	emit(program,
	     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)AF_INET6, 0, 4));
	load_argument(program, 1);
	emit(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
						   ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK)));
	only_for(program, SOCK_DGRAM, 1);
	answer(program, SECCOMP_RET_ALLOW);
	answer(program, DENIED);
}

/* Threads, no processes. The flags of clone3 are not to be seen from here: without it C libraries
 * use clone. */
static void allow_threads(struct program *program)
{
	only_for(program, __NR_clone, 4);
	load_argument(program, 0);
	emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
						   (uint32_t)CLONE_THREAD, 0, 1));
	answer(program, SECCOMP_RET_ALLOW);
	answer(program, DENIED);
#ifdef __NR_clone3
	only_for(program, __NR_clone3, 1);
	answer(program, SECCOMP_RET_ERRNO | ENOSYS);
#endif
}

#ifdef MACHINE
/* Loads the number of the call, when it is one of this machine. */
static void begin(struct program *program, uint32_t foreign)
{
	load(program, offsetof(struct seccomp_data, arch));
	emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0));
	answer(program, foreign);
	load(program, offsetof(struct seccomp_data, nr));
	emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN_CALLS, 0, 1));
	answer(program, foreign);
}

static void build(struct program *program)
{
	const uint32_t self = (uint32_t)getpid();
	const uint32_t caller = 0;
	begin(program, SECCOMP_RET_KILL_PROCESS);
	answer_for(program, allowed, LENGTH(allowed), SECCOMP_RET_ALLOW);
	allow_by_argument(program, __NR_fcntl, 1, fcntl_commands, LENGTH(fcntl_commands));
	allow_by_argument(program, __NR_ioctl, 1, ioctl_requests, LENGTH(ioctl_requests));
	allow_by_argument(program, __NR_prctl, 0, prctl_options, LENGTH(prctl_options));
	allow_by_argument(program, __NR_tgkill, 0, &self, 1);
	allow_by_argument(program, __NR_prlimit64, 0, &caller, 1);
	allow_udp_sockets(program);
	allow_threads(program);
	answer_for(program, deadly, LENGTH(deadly), SECCOMP_RET_KILL_PROCESS);
	answer(program, DENIED);
}

static int install(struct program *program, unsigned int flags)
{
	struct sock_fprog filter = {.len = program->length, .filter = program->code};
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
	if (result < 0)
		return errno == EINVAL ? -ENOSYS : -errno;
	/* The id of a thread that could not be had: it has a filter of its own. */
	return result > 0 ? -EBUSY : 0;
}

int sys_restrict_calls(void)
{
	struct program program = {.length = 0};
	build(&program);
	return install(&program, SECCOMP_FILTER_FLAG_TSYNC);
}

int sys_deny_io_uring(void)
{
	struct program program = {.length = 0};
	begin(&program, SECCOMP_RET_ERRNO | ENOSYS);
	only_for(&program, __NR_io_uring_setup, 1);
	answer(&program, SECCOMP_RET_ERRNO | ENOSYS);
	answer(&program, SECCOMP_RET_ALLOW);
	return install(&program, 0);
}

int sys_can_restrict_calls(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}
#else
int sys_restrict_calls(void)
{
	return -ENOSYS;
}

int sys_deny_io_uring(void)
{
	return -ENOSYS;
}

int sys_can_restrict_calls(void)
{
	return 0;
}
#endif
