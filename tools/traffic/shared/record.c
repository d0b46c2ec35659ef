#include "shared/record.h"

#include <stdio.h>

#include "shared/fail.h"

#define FLUSH_NS 20000000u

static FILE *records;

void open_records(const char *path)
{
	records = fopen(path, "wb");
	if (records == NULL)
		fail(path);
}

int has_records(void)
{
	return records != NULL;
}

void write_record(const struct record *record)
{
	fwrite(record, sizeof(*record), 1, records);
}

void flush_records(uint64_t now_ns)
{
	static uint64_t flushed_ns;
	if (now_ns <= flushed_ns + FLUSH_NS)
		return;
	fflush(records);
	flushed_ns = now_ns;
}

int close_records(void)
{
	return fclose(records) == 0;
}
