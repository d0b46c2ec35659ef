/* Reading of object files: of the real one, of broken ones, and what is filled in. */
#include "../src/kernel/logs.h"
#include "../src/kernel/object.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>

#include "kernel_program.h"
#include "tap.h"

static uint8_t file[1u << 20], broken[1u << 20];
static size_t bytes;

static const struct object_symbol symbols[] = {
	{"settings", 100, 1},  {"cpus", 101, 0},   {"holds", 102, 0},  {"paths", 103, 0},
	{"addresses", 104, 0}, {"tables", 105, 0}, {"states", 106, 0}, {"rings", 107, 0},
};
#define SYMBOLS (sizeof(symbols) / sizeof(symbols[0]))

static int try(const uint8_t *from, size_t count, size_t known)
{
	struct object_program program;
	/* Of exactly this size, so that a look beyond its end is seen. */
	uint8_t *copy = malloc(count + 1);
	memcpy(copy, from, count);
	int error = object_read(&program, copy, count, symbols, known);
	free(copy);
	if (error == 0)
		object_free(&program);
	return error;
}

static void test_whole(void)
{
	struct object_program program;
	check_equal((uint64_t)-object_read(&program, file, bytes, symbols, SYMBOLS), 0,
		    "the program is read");
	uint32_t maps = 0, values = 0;
	for (uint32_t i = 0; i < program.count; i++) {
		const struct bpf_insn *load = &program.instructions[i];
		if (load->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		maps += load->src_reg == BPF_PSEUDO_MAP_FD && load->imm > 100 && load->imm < 108;
		values += load->src_reg == BPF_PSEUDO_MAP_VALUE && load->imm == 100;
	}
	check(maps > 8 && values > 8, "%u maps and %u values of maps are filled in", maps, values);
	check(program.function_count > 8 && program.functions[0].insn_off == 0,
	      "%u functions have types, the first one is where it begins", program.function_count);
	object_free(&program);
}

static void test_broken(void)
{
	check_equal((uint64_t)-try(file, bytes, SYMBOLS - 1), ENOENT, "a symbol is unknown");
	check_equal((uint64_t)-try(file, 0, SYMBOLS), ENOEXEC, "an empty file");
	uint32_t refused = 0, cuts = 0;
	for (size_t size = 0; size < bytes; size += 1 + size / 64, cuts++)
		refused += try(file, size, SYMBOLS) == -ENOEXEC;
	check(refused == cuts, "%u of %u cut files are refused", refused, cuts);
	srand(1);
	/* Whatever becomes of them: nothing is read or written where it must not be. */
	for (int i = 0; i < 3000; i++) {
		memcpy(broken, file, bytes);
		for (int k = 0; k < 8; k++) {
			size_t at = (size_t)rand() % (k < 4 ? bytes : 4096);
			broken[k < 4 ? at : bytes - 1 - at % bytes] = (uint8_t)rand();
		}
		try(broken, bytes, SYMBOLS);
	}
	check(1, "files with wrong bytes do no harm");
}

static void test_logs(void)
{
	uint32_t logs[KERNEL_LOG_STEPS], right = 0;
	logs_write(logs);
	for (uint32_t k = 0; k < KERNEL_LOG_STEPS; k++)
		right += logs[k] == (uint32_t)floor(33554432.0 * log2(1 + k / 256.0));
	check_equal(right, KERNEL_LOG_STEPS, "R20: logarithms are those of all nodes");
}

int main(void)
{
	test_logs();
	int fd = open("build/kernel/floxy.o", O_RDONLY);
	if (fd >= 0) {
		bytes = (size_t)read(fd, file, sizeof(file));
		close(fd);
		test_whole();
		test_broken();
	}
	return tap_done();
}
