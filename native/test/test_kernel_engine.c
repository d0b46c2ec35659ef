/*
 * The life of the engine: how it gets to an interface and leaves it, who takes it over, tables that
 * change under traffic, copies that are refused, and what devices make of checksums.
 */
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kernel_reference.h"

#define BURST 4000u
#define TABLES 2u

static struct maker makers[TABLES];
static struct klab_frame frame, left, expected;
static struct sample sample;

static void usual(const char *source, const char *destination)
{
	reference_sample(&sample, source, destination, 2055, 101);
	reference_arrive(&sample, &frame);
}

/* A table with outputs of one collector each, at the same port. */
static void make_table(struct maker *maker, uint16_t port, uint32_t outputs, const char *text,
		       uint32_t path)
{
	uint8_t bytes[16];
	maker_reset(maker);
	reference_address(bytes, text);
	for (uint32_t i = 0; i < outputs; i++, bytes[15]++)
		maker_collector(maker, maker_output(maker, &maker->rules[0]), bytes, port, path, 1);
	maker_make(maker);
}

/* Whether the frame is handled by the program of an engine. */
static int is_handled(const struct kernel_engine *engine)
{
	uint64_t before = 0, after = 0;
	for (uint32_t i = 0; i < engine->processors; i++)
		before += engine->cpus[i].counters.handled;
	klab_inject(&frame, 0);
	for (uint32_t i = 0; i < engine->processors; i++)
		after += engine->cpus[i].counters.handled;
	return after == before + 1;
}

static int is_seen(void)
{
	uint64_t before = klab_seen();
	struct virtio_net_hdr header = {0};
	struct iovec parts[] = {{&header, sizeof(header)}, {frame.data, frame.bytes}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	klab_check(sendmsg(links.in, &message, 0) < 0 ? -errno : 0, "a frame");
	/* What is not seen now is not seen later: the same processor takes it in. */
	usleep(20000);
	return klab_seen() > before;
}

static void test_filter(void)
{
	close(klab.link);
	check(!is_seen(), "a link that is closed takes the program from its interface");
	int error = kernel_attach_filter(&klab.engine, links.in_index);
	check(error == 0 && is_handled(&klab.engine), "as a filter of clsact it is there again");
	error = kernel_attach_filter(&klab.engine, links.in_index);
	check(error == 0 && is_handled(&klab.engine), "one that is there is replaced");
	uint64_t handled = klab_counted().handled;
	klab_inject(&frame, 0);
	check_equal(klab_counted().handled, handled + 1, "and handles each packet once");
	check(kernel_detach_filter(links.in_index) == 0 && !is_seen(), "it is taken away");
	check_equal((uint64_t)-kernel_detach_filter(links.in_index), 0, "twice, without an error");
	check_equal((uint64_t)-kernel_detach_filter(links.out_index), 0, "where it never was");
	check_equal((uint64_t)-kernel_attach_filter(&klab.engine, 0x7fff0000), ENODEV,
		    "an interface that is not there");
	klab.link = klab_check(kernel_attach(&klab.engine, links.in_index), "a link");
	check(is_handled(&klab.engine), "by a link again");
	klab_forget();
}

static void test_refused_copies(void)
{
	make_table(&makers[0], 9995, 3, "198.51.100.1", KLAB_PATH_GONE);
	struct table_collector *rows =
		(void *)(makers[0].words + maker_header(&makers[0])->collectors);
	rows[2].flags = KLAB_PATH4 << TABLE_COLLECTOR_PATH_SHIFT;
	klab_publish(&klab.engine, &makers[0], MAKER_OUTPUTS);
	check(is_handled(&klab.engine) && klab_capture(&left, KLAB_ANSWER_MS),
	      "R15: what can be sent is sent");
	check(klab_consume() == 3 && klab.counters[PIO_FORWARDED_PACKETS] == 1 &&
		      klab.counters[PIO_SEND_ERRORS + EINVAL] == 2 &&
		      klab.slots[rows[2].output_slot].packets == 1 &&
		      klab.slots[rows[0].output_slot].packets == 0,
	      "S2: copies that the kernel refuses are errors");
	struct notes_event events[NOTES_EVENTS];
	uint32_t told = notes_read_events(klab.notes, 0, events);
	check(told == 2 && events[1].collector_port == 9995 && events[1].error == EINVAL &&
		      memcmp(events[1].collector, rows[1].address, 16) == 0,
	      "S23: and told with their collectors");
	klab_forget();
}

/* Who captures at the interface shares the packet with the program, which writes to it. */
static void test_captures(void)
{
	make_table(&makers[0], 9995, 2, "198.51.100.1", KLAB_PATH4);
	klab_publish(&klab.engine, &makers[0], MAKER_OUTPUTS);
	uint8_t own[6];
	int capture = klab_socket("in0", own);
	int on = 0;
	klab_check(setsockopt(capture, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), "a capture");
	check(is_handled(&klab.engine) && klab_capture(&left, KLAB_ANSWER_MS) &&
		      memcmp(left.data + ETH_HLEN, frame.data + ETH_HLEN, 20) != 0,
	      "a packet that is captured is handled");
	ssize_t bytes = recv(capture, expected.data, sizeof(expected.data), MSG_DONTWAIT);
	check(bytes == (ssize_t)frame.bytes && memcmp(expected.data, frame.data, frame.bytes) == 0,
	      "and captured as it came");
	close(capture);
	klab_forget();
}

/* The sender of a burst, in a process of its own. */
static pid_t send_burst(void)
{
	pid_t child = klab_fork();
	if (child != 0)
		return child;
	struct virtio_net_hdr header = {0};
	struct iovec parts[] = {{&header, sizeof(header)}, {frame.data, frame.bytes}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	for (uint32_t i = 0; i < BURST; i++) {
		if (sendmsg(links.in, &message, 0) < 0)
			_exit(1);
		if (i % 16 == 0)
			usleep(100);
	}
	_exit(0);
}

/* Ports of the next copies, all of one packet, must be of one table. Returns whether they are. */
static int is_of_one_table(uint32_t copies, uint32_t counts[TABLES])
{
	uint16_t port = 0;
	for (uint32_t i = 0; i < copies; i++) {
		uint16_t found;
		if (!klab_capture(&left, KLAB_ANSWER_MS))
			return 0;
		memcpy(&found, left.data + ETH_HLEN + PIO_IPV4_BYTES + 2, 2);
		if (i > 0 && found != port)
			return 0;
		port = found;
	}
	counts[ntohs(port) == 9002]++;
	return 1;
}

static void test_changes(void)
{
	make_table(&makers[0], 9001, 3, "198.51.100.1", KLAB_PATH4);
	make_table(&makers[1], 9002, 3, "198.51.100.1", KLAB_PATH4);
	klab_publish(&klab.engine, &makers[0], MAKER_OUTPUTS);
	pid_t child = send_burst();
	uint32_t changes = 0, counts[TABLES] = {0, 0}, right = 0;
	int status = 0;
	while (waitpid(child, &status, WNOHANG) == 0) {
		klab_publish(&klab.engine, &makers[++changes % TABLES], MAKER_OUTPUTS);
		klab_consume();
	}
	klab_await(BURST);
	klab_consume();
	for (uint32_t i = 0; i < BURST; i++)
		right += (uint32_t)is_of_one_table(3, counts);
	check(status == 0 && right == BURST && counts[0] > 0 && counts[1] > 0,
	      "R13: %u changes, each packet is handled by one table (%u and %u)", changes,
	      counts[0], counts[1]);
	check_equal(klab.counters[PIO_FORWARDED_PACKETS], 3 * BURST, "S2: all are counted");
	klab_forget();
}

/* Says of each packet that its checksum was looked at, as devices do. */
static int attach_verifier(void)
{
	static const struct bpf_insn instructions[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = BPF_CSUM_LEVEL_INC},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_csum_level},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attributes.insns = (uint64_t)(uintptr_t)instructions;
	attributes.insn_cnt = 4;
	attributes.license = (uint64_t)(uintptr_t) "Proprietary";
	struct kernel_engine verifier = {
		.program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes))};
	klab_check(verifier.program, "a program that says that checksums are right");
	int link = kernel_attach(&verifier, links.in_index);
	close(verifier.program);
	return klab_check(link, "its link");
}

static uint32_t mode_of(void)
{
	return klab.engine.cpus[sched_getcpu()].work.checksum_mode;
}

static uint32_t tested_mode(void)
{
	return klab.engine.cpus[klab.engine.processors + (uint32_t)sched_getcpu()]
		.work.checksum_mode;
}

/* One copy of IPv4 and two of IPv6, where the packet can have them. */
static void check_modes(uint32_t mode, int is_partial, const char *name)
{
	static const char *const sources[] = {"203.0.113.1", "2001:db8::1"};
	static const char *const destinations[] = {"192.0.2.9", "2001:db8::9"};
	for (uint32_t family = 0; family < 2; family++) {
		uint32_t right = 0, copies = family == 0 ? 4 : 2;
		usual(sources[family], destinations[family]);
		sample.is_partial = is_partial;
		uint32_t udp_at = reference_arrive(&sample, &frame);
		klab_inject(&frame, is_partial ? udp_at : 0);
		int is_right = mode_of() == mode;
		/* Collectors of IPv4 are 0 and 1, of IPv6 2 and 3. */
		for (uint32_t i = 4 - copies; i < 4; i++) {
			reference_leave(&makers[0], &sample, i, &expected);
			right += klab_capture(&left, KLAB_ANSWER_MS) &&
				 reference_is_same(&expected, &left);
		}
		check(is_right && right == copies, "R7: %s, from %s", name, sources[family]);
	}
}

static void make_both_families(void)
{
	uint8_t bytes[16];
	maker_reset(&makers[0]);
	for (uint32_t i = 0; i < 4; i++) {
		reference_address(bytes, i < 2 ? "198.51.100.1" : "2001:db8:ffff::1");
		bytes[15] = (uint8_t)(bytes[15] + i);
		struct maker_output *output = maker_output(&makers[0], &makers[0].rules[0]);
		maker_collector(&makers[0], output, bytes, 9995, i < 2 ? KLAB_PATH4 : KLAB_PATH6,
				1);
	}
	maker_make(&makers[0]);
	klab_publish(&klab.engine, &makers[0], MAKER_OUTPUTS);
}

static void test_checksums(void)
{
	make_both_families();
	check_modes(4, 0, "a checksum that nobody has looked at");
	check_modes(3, 1, "a checksum that a device is to finish");
	/* What comes first at an interface is asked first. */
	close(klab.link);
	int verifier = attach_verifier();
	klab.link = klab_check(kernel_attach(&klab.engine, links.in_index), "a link");
	check_modes(1, 0, "a checksum that a device has looked at");
	close(verifier);
}

/* uapi/linux/bpf.h of Linux 6.11: the packet is as from a device that sums up what it takes. */
#define TEST_CHECKSUM_COMPLETE (1u << 2)

/* Runs the program on the frame. Returns its answer; the packet after it is in left. */
static int run_summed(void)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.test.prog_fd = (uint32_t)klab.engine.program;
	attributes.test.data_in = (uint64_t)(uintptr_t)frame.data;
	attributes.test.data_size_in = frame.bytes;
	attributes.test.data_out = (uint64_t)(uintptr_t)left.data;
	attributes.test.data_size_out = sizeof(left.data);
	attributes.test.flags = TEST_CHECKSUM_COMPLETE;
	memset(frame.data, 0, 6); /* the loopback device has it */
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof(attributes)) < 0)
		return -errno;
	left.bytes = attributes.test.data_size_out;
	return (int)attributes.test.retval;
}

/* The kernel looks at its own sum of the packet afterwards (-EBADMSG). */
static void test_sums(void)
{
	static const char *const collectors[] = {"198.51.100.1", "2001:db8:ffff::1",
						 "2001:db8:ffff::1"};
	static const char *const sources[] = {"203.0.113.1", "203.0.113.1", "2001:db8::1"};
	for (uint32_t i = 0; i < 3; i++) {
		make_table(&makers[0], 9995, 1, collectors[i], i == 0 ? KLAB_PATH4 : KLAB_PATH6);
		klab_publish(&klab.engine, &makers[0], MAKER_OUTPUTS);
		usual(sources[i], i == 2 ? "2001:db8::9" : "192.0.2.9");
		int answer = run_summed();
		if (answer == -EINVAL) {
			printf("# this kernel makes no sums of packets in tests\n");
			return;
		}
		reference_leave(&makers[0], &sample, 0, &expected);
		check(answer == 7 && tested_mode() == 2 && reference_is_same(&expected, &left),
		      "R7: a packet that the device has summed up, from %s to %s (%d)", sources[i],
		      collectors[i], answer);
	}
}

static void test_privileges(void)
{
	pid_t child = fork();
	if (child == 0) {
		struct kernel_engine engine;
		struct kernel_options options = klab_options();
		if (setuid(65534) < 0)
			_exit(2);
		int error = kernel_load(&engine, klab_object, sizeof(klab_object), &options,
					klab_log, sizeof(klab_log));
		_exit(error == -EPERM ? 0 : 1);
	}
	int status = 0;
	waitpid(child, &status, 0);
	check_equal((uint64_t)status, 0, "without the capabilities it is refused, and closed");
}

int main(void)
{
	klab_open();
	usual("203.0.113.1", "192.0.2.9");
	make_table(&makers[0], 9995, 1, "198.51.100.1", KLAB_PATH4);
	klab_publish(&klab.engine, &makers[0], MAKER_OUTPUTS);
	test_privileges();
	test_filter();
	test_refused_copies();
	test_captures();
	test_changes();
	test_checksums();
	test_sums();
	klab_close();
	return tap_done();
}
