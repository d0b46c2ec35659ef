/* A test program in the Test Anything Protocol: check() as often as needed, then return tap_done().
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tap_count;
static int tap_failures;

__attribute__((format(printf, 2, 3))) static inline int check(int is_true, const char *name, ...)
{
	tap_failures += !is_true;
	printf("%sok %d - ", is_true ? "" : "not ", ++tap_count);
	va_list arguments;
	va_start(arguments, name);
	vprintf(name, arguments);
	va_end(arguments);
	printf("\n");
	return is_true;
}

static inline void check_equal(uint64_t actual, uint64_t expected, const char *name)
{
	if (!check(actual == expected, "%s", name))
		printf("# is %llu, expected %llu\n", (unsigned long long)actual,
		       (unsigned long long)expected);
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures == 0 ? 0 : 1;
}

/* Ends the program without tests, unless FLOXY_REQUIRE_ROOT_TESTS=1 forbids that. */
static inline void tap_need_root(void)
{
	if (geteuid() == 0)
		return;
	const char *required = getenv("FLOXY_REQUIRE_ROOT_TESTS");
	if (required != NULL && strcmp(required, "1") == 0) {
		printf("Bail out! FLOXY_REQUIRE_ROOT_TESTS=1, but these tests need root\n");
		exit(1);
	}
	printf("1..0 # SKIP needs root\n");
	exit(0);
}

#endif
