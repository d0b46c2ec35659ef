/*
 * Counting collector. It lets the kernel count: the interface counts every copy that arrives, and
 * the copies end there, because they are addressed to a MAC address that is nobody's. So a copy
 * costs the sender the same few nanoseconds whatever it came through, and nothing is missed.
 * Latency and sources are taken from a sample that a socket filter picks into a ring (packet(7)),
 * stamped by the kernel on arrival, and read when the run is over.
 *
 * Reads commands from standard input and answers each with one line of JSON:
 *
 *     sample INTERFACE CPU PID...    counters of the interface, of the core and of the processes
 *     record INTERFACE               starts taking samples
 *     report                         ends it: latency in nanoseconds, and whose sources they had
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/payload.h"

#define RING_FRAME_BYTES 256u
#define RING_FRAMES 131072u
#define RING_BLOCK_BYTES (1u << 20)
#define SNAPSHOT_BYTES 120u
#define LINE_BYTES 4096

struct ring {
	int fd;
	uint8_t *frames;
};

static void fail(const char *what)
{
	fprintf(stderr, "collector: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- sample ---- */

static int read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return 0;
	size_t length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	return length > 0;
}

/* Nanoseconds that all threads of a process have run: /proc/PID/schedstat is only of the first. */
static unsigned long long run_ns(const char *pid)
{
	char path[512], text[256];
	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	DIR *threads = opendir(path);
	if (threads == NULL)
		return 0;
	unsigned long long total = 0;
	for (struct dirent *thread; (thread = readdir(threads)) != NULL;) {
		unsigned long long ns = 0;
		snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", pid, thread->d_name);
		if (thread->d_name[0] != '.' && read_text(path, text, sizeof(text)) &&
		    sscanf(text, "%llu", &ns) == 1)
			total += ns;
	}
	closedir(threads);
	return total;
}

static void print_process(const char *pid, int is_first)
{
	char path[64], text[1024];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if (read_text(path, text, sizeof(text))) {
		/* The name may hold blanks and parentheses; what follows it does not. */
		const char *rest = strrchr(text, ')');
		if (rest != NULL)
			sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			       &user, &system);
	}
	printf("%s{\"pid\": %s, \"runNs\": %llu, \"userTicks\": %lu, \"systemTicks\": %lu}",
	       is_first ? "" : ", ", pid, run_ns(pid), user, system);
}

static void print_interface(const char *interface)
{
	char text[65536];
	unsigned long long bytes = 0, packets = 0, dropped = 0;
	char wanted[64];
	snprintf(wanted, sizeof(wanted), " %s:", interface);
	if (!read_text("/proc/self/net/dev", text, sizeof(text)))
		fail("/proc/self/net/dev");
	const char *line = strstr(text, wanted);
	if (line == NULL ||
	    sscanf(line + strlen(wanted), "%llu %llu %*u %llu", &bytes, &packets, &dropped) != 3)
		fail(interface);
	printf("\"packets\": %llu, \"bytes\": %llu, \"dropped\": %llu", packets, bytes, dropped);
}

static void print_core(const char *cpu)
{
	char text[65536], wanted[64];
	unsigned long long ticks[8] = {0};
	snprintf(wanted, sizeof(wanted), "cpu%s ", cpu);
	if (!read_text("/proc/stat", text, sizeof(text)))
		fail("/proc/stat");
	const char *line = strstr(text, wanted);
	if (line == NULL || sscanf(line + strlen(wanted), "%llu %llu %llu %llu %llu %llu %llu %llu",
				   &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5],
				   &ticks[6], &ticks[7]) != 8)
		fail("no such core in /proc/stat");
	printf("\"core\": {\"idleTicks\": %llu, \"stealTicks\": %llu, \"allTicks\": %llu}",
	       ticks[3] + ticks[4], ticks[7],
	       ticks[0] + ticks[1] + ticks[2] + ticks[3] + ticks[4] + ticks[5] + ticks[6] +
		       ticks[7]);
}

static void sample(const char *interface, const char *cpu)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("{\"seconds\": %.9f, ", (double)now.tv_sec + (double)now.tv_nsec / 1e9);
	print_interface(interface);
	printf(", ");
	print_core(cpu);
	printf(", \"processes\": [");
	int is_first = 1;
	for (const char *pid; (pid = strtok(NULL, " \n")) != NULL; is_first = 0)
		print_process(pid, is_first);
	printf("]}\n");
}

/* ---- record and report ---- */

/*
 * Accepts UDP packets whose sequence number is sampled: IPv4 without fragment offset, IPv6, IPv6
 * with a fragment header of offset 0. Offsets are from the Ethernet header.
 */
static const struct sock_filter is_sampled[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 6),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 15),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 13, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14 + 20 + 8 + 16),
	BPF_JUMP(BPF_JMP | BPF_JA, 9, 0, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 10),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 2),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14 + 40 + 8 + 16),
	BPF_JUMP(BPF_JMP | BPF_JA, 4, 0, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_FRAGMENT, 0, 5),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 14 + 40 + 2),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0xfff8, 3, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14 + 40 + 8 + 8 + 16),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SAMPLE_EVERY - 1, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SNAPSHOT_BYTES),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static struct ring record(const char *interface)
{
	struct ring ring = {.fd = socket(AF_PACKET, SOCK_RAW, 0)};
	if (ring.fd < 0)
		fail("socket");
	struct sock_fprog filter = {
		.len = sizeof(is_sampled) / sizeof(is_sampled[0]),
		.filter = (struct sock_filter *)is_sampled,
	};
	int version = TPACKET_V2;
	struct tpacket_req request = {
		.tp_block_size = RING_BLOCK_BYTES,
		.tp_frame_size = RING_FRAME_BYTES,
		.tp_block_nr = RING_FRAMES / (RING_BLOCK_BYTES / RING_FRAME_BYTES),
		.tp_frame_nr = RING_FRAMES,
	};
	if (setsockopt(ring.fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(ring.fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(ring.fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		fail("setsockopt");
	ring.frames = mmap(NULL, (size_t)RING_FRAMES * RING_FRAME_BYTES, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_POPULATE, ring.fd, 0);
	if (ring.frames == MAP_FAILED)
		fail("mmap");
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	address.sll_ifindex = (int)if_nametoindex(interface);
	if (address.sll_ifindex == 0 ||
	    bind(ring.fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail(interface);
	return ring;
}

/* Where the payload begins, and the last 32 bits of the source address. The filter has checked the
 * rest. */
static const uint8_t *find_payload(const uint8_t *ethernet, uint32_t *source, uint16_t *port)
{
	const uint8_t *ip = ethernet + sizeof(struct ether_header);
	const uint8_t *udp = ip + sizeof(struct iphdr);
	if (ip[0] >> 4 == 4) {
		memcpy(source, ip + 12, 4);
	} else {
		memcpy(source, ip + 8 + 12, 4);
		udp = ip + sizeof(struct ip6_hdr) + (ip[6] == IPPROTO_FRAGMENT ? 8 : 0);
	}
	*port = (uint16_t)(udp[0] << 8 | udp[1]);
	return udp + sizeof(struct udphdr);
}

static int compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

static double quantile(const int64_t *sorted, uint32_t count, double share)
{
	return count == 0 ? 0 : (double)sorted[(uint32_t)(share * (count - 1))];
}

static void report(struct ring *ring)
{
	static int64_t latencies[RING_FRAMES];
	uint32_t count = 0, with_source = 0;
	for (uint32_t i = 0; i < RING_FRAMES; i++) {
		const struct tpacket2_hdr *frame =
			(const void *)(ring->frames + (size_t)i * RING_FRAME_BYTES);
		if ((frame->tp_status & TP_STATUS_USER) == 0)
			break;
		uint32_t source;
		uint16_t port;
		struct payload_header header;
		const uint8_t *payload =
			find_payload((const uint8_t *)frame + frame->tp_mac, &source, &port);
		memcpy(&header, payload, sizeof(header));
		if (header.sent_at_ns == 0)
			continue;
		int64_t arrived_at_ns =
			(int64_t)frame->tp_sec * 1000000000 + (int64_t)frame->tp_nsec;
		latencies[count++] = arrived_at_ns - (int64_t)header.sent_at_ns;
		with_source += source == header.address && port == header.source_port;
	}
	munmap(ring->frames, (size_t)RING_FRAMES * RING_FRAME_BYTES);
	close(ring->fd);
	qsort(latencies, count, sizeof(latencies[0]), compare);
	printf("{\"samples\": %u, \"withExporterSource\": %u, \"p50Ns\": %.0f, \"p99Ns\": %.0f, "
	       "\"p999Ns\": %.0f, \"maxNs\": %.0f}\n",
	       count, with_source, quantile(latencies, count, 0.5),
	       quantile(latencies, count, 0.99), quantile(latencies, count, 0.999),
	       quantile(latencies, count, 1));
}

int main(void)
{
	/* Shares its core with the generator, which never sleeps: a sample must not wait for it. */
	struct sched_param priority = {.sched_priority = 1};
	if (sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
		fprintf(stderr, "collector: no real-time priority (%s): times are less exact\n",
			strerror(errno));
	struct ring ring = {.fd = -1};
	char line[LINE_BYTES];
	while (fgets(line, sizeof(line), stdin) != NULL) {
		const char *command = strtok(line, " \n");
		if (command != NULL && strcmp(command, "sample") == 0) {
			const char *interface = strtok(NULL, " \n");
			const char *cpu = strtok(NULL, " \n");
			if (interface != NULL && cpu != NULL)
				sample(interface, cpu);
		} else if (command != NULL && strcmp(command, "record") == 0) {
			const char *interface = strtok(NULL, " \n");
			if (interface != NULL && ring.fd < 0)
				ring = record(interface);
			printf("{}\n");
		} else if (command != NULL && strcmp(command, "report") == 0 && ring.fd >= 0) {
			report(&ring);
			ring.fd = -1;
		} else {
			fprintf(stderr, "collector: unknown command\n");
			return 2;
		}
		fflush(stdout);
	}
	return 0;
}
