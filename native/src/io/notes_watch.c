/*
 * What a sequence of numbers misses. By the standards numbers count flows (v5), datagrams
 * (v9, sFlow) or data records before the message (IPFIX). But some exporters count datagrams in
 * IPFIX (Huawei), the records of the message too (VMware), or records in v9: so it is seen from the
 * numbers themselves what they count.
 */
#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "notes_rows.h"

/* What numbers count. */
enum { DATAGRAMS, RECORDS_BEFORE, RECORDS_WITH, WAYS };

/* Flags of a row. */
#define WAY 3u	    /* one of the above */
#define HAS_LAST 4u /* there was a datagram before */
#define HAS_NEXT 8u /* the next number is known */
#define STILL 16u   /* so often in a row the number was the same: 0 to 3 */
#define STILL_MAX 3u
#define SETTLED 64u /* so many times 32 datagrams have come: 0 to 3 */
#define SETTLED_MAX NOTES_WATCHED_MAX

#define AGE_MAX 32u
/* So many late ones in a row, and the exporter has begun anew. */
#define LATE_MAX 32u
/* A way of counting is better when it explains so much more: scores are 0 to 16. */
#define SCORE_MIDDLE 8u
#define SCORE_MAX 16u
#define SCORE_BITS 5u
#define SCORE_BETTER 4u
/* Steps that say nothing of how it is counted. */
#define LONG_STEP 4096
/* What can be lost at once, and for each second of silence: a jump by more is a restart. */
#define PLAUSIBLE 100000u
/* The uptime of an exporter goes on as time does, to a minute. */
#define UPTIME_SLACK_S 60
#define RECORDS_MAX 65534u
#define RECORDS_NONE 65535u

static uint32_t part_of(const struct notes_sequence *row, uint32_t unit, uint32_t max)
{
	return row->flags / unit & max;
}

static void set_part(struct notes_sequence *row, uint32_t unit, uint32_t max, uint32_t value)
{
	row->flags = (uint8_t)((row->flags & ~(unit * max)) | unit * value);
}

static void add_lost(struct notes_sequence *row, uint64_t lost)
{
	if (lost > 0)
		pio_count(&row->lost, lost);
}

/* What is missing does not come any more. */
static void close_gaps(struct notes_sequence *row)
{
	add_lost(row, (uint64_t)row->missing + row->missing_before);
	row->missing = 0;
	row->missing_before = 0;
}

static uint32_t score_of(const struct notes_sequence *row, uint32_t way)
{
	return row->scores >> way * SCORE_BITS & (SCORE_MAX * 2 - 1);
}

static void rate(struct notes_sequence *row, uint32_t way, int is_right)
{
	uint32_t score = score_of(row, way);
	uint32_t mask = (SCORE_MAX * 2 - 1) << way * SCORE_BITS;
	if (is_right && score < SCORE_MAX)
		score++;
	else if (!is_right && score > 0)
		score--;
	row->scores = (uint16_t)((row->scores & ~mask) | score << way * SCORE_BITS);
}

/* Sees a step. Returns whether another way of counting explains the numbers by now. */
static int see_way(struct notes_sequence *row, int32_t step, uint32_t records)
{
	if (step <= 0 || step > LONG_STEP || row->records == RECORDS_NONE ||
	    records == RECORDS_NONE)
		return 0;
	int is_datagram = step == 1;
	int is_before = (uint32_t)step == row->records;
	int is_with = (uint32_t)step == records;
	/* All of them, or none: that says nothing. */
	if (is_datagram == is_before && is_before == is_with)
		return 0;
	rate(row, DATAGRAMS, is_datagram);
	rate(row, RECORDS_BEFORE, is_before);
	rate(row, RECORDS_WITH, is_with);
	uint32_t best = DATAGRAMS;
	for (uint32_t way = RECORDS_BEFORE; way < WAYS; way++) {
		if (score_of(row, way) > score_of(row, best))
			best = way;
	}
	if (score_of(row, best) < score_of(row, row->flags & WAY) + SCORE_BETTER)
		return 0;
	set_part(row, 1, WAY, best);
	return 1;
}

static void go_on(struct notes_sequence *row, uint32_t next, int is_known)
{
	row->next = next;
	row->flags = (uint8_t)(is_known ? row->flags | HAS_NEXT : row->flags & ~HAS_NEXT);
	row->late = 0;
}

static int has_begun_anew(const struct notes_sequence *row, const struct notes_number *number,
			  int32_t ahead, uint32_t silence_s)
{
	if (number->uptime_ms != 0) {
		uint16_t uptime_s = (uint16_t)(number->uptime_ms >> 10);
		int16_t passed = (int16_t)(uint16_t)(uptime_s - row->uptime_s);
		/* After hours the way of the clock is not known. */
		if (passed < -UPTIME_SLACK_S && silence_s < INT16_MAX)
			return 1;
	}
	return (uint64_t)llabs(ahead) > PLAUSIBLE * (uint64_t)(1 + silence_s) ||
	       row->late >= LATE_MAX;
}

/* A datagram that is not the next one: others are missing before it, or it is late, or a restart.
 */
static void see_other(struct notes_sequence *row, const struct notes_number *number, uint32_t start,
		      uint32_t units, uint32_t silence_s)
{
	int32_t ahead = (int32_t)(start - row->next);
	int is_known = units != NOTES_RECORDS_UNKNOWN;
	if (has_begun_anew(row, number, ahead, silence_s)) {
		close_gaps(row);
		go_on(row, start + units, is_known);
	} else if (ahead > 0) {
		row->missing += (uint32_t)ahead;
		go_on(row, start + units, is_known);
	} else {
		row->late++;
		/* The same again is a copy, which fills nothing. */
		uint32_t filled = number->sequence == row->last ? 0 : is_known ? units : 1;
		uint32_t young = filled < row->missing ? filled : row->missing;
		row->missing -= young;
		filled -= young;
		row->missing_before -= filled < row->missing_before ? filled : row->missing_before;
	}
}

/* Where a datagram begins and how many it brings is a matter of what is counted. */
static void see_number(struct notes_sequence *row, const struct notes_number *number,
		       uint32_t records, uint32_t silence_s)
{
	uint32_t way = row->flags & WAY;
	uint32_t units = way == DATAGRAMS	   ? 1
			 : records == RECORDS_NONE ? NOTES_RECORDS_UNKNOWN
						   : records;
	int is_known = units != NOTES_RECORDS_UNKNOWN;
	uint32_t start = number->sequence;
	/* One that always says the same does not count. */
	if (part_of(row, STILL, STILL_MAX) == STILL_MAX || (way == RECORDS_WITH && !is_known)) {
		go_on(row, start, 1);
		return;
	}
	if (way == RECORDS_WITH)
		start -= units;
	if ((row->flags & HAS_NEXT) == 0 || start == row->next)
		go_on(row, start + units, is_known);
	else
		see_other(row, number, start, units, silence_s);
}

/* After 32 datagrams what was missing before them is lost. */
static void grow_old(struct notes_sequence *row)
{
	if (++row->age < AGE_MAX)
		return;
	add_lost(row, row->missing_before);
	row->missing_before = row->missing;
	row->missing = 0;
	row->age = 0;
	uint32_t settled = part_of(row, SETTLED, SETTLED_MAX);
	if (settled < SETTLED_MAX)
		set_part(row, SETTLED, SETTLED_MAX, settled + 1);
}

/* Whether it is the next one, as nearly all are, of an exporter of which it is clear what it
 * counts. */
static int see_next(struct notes_sequence *row, const struct notes_number *number, uint32_t records)
{
	uint32_t way = row->flags & WAY;
	uint32_t units = way == DATAGRAMS ? 1 : records;
	uint32_t start = way == RECORDS_WITH ? number->sequence - units : number->sequence;
	if ((row->flags & (HAS_NEXT | STILL * STILL_MAX)) != HAS_NEXT || start != row->next ||
	    number->sequence == row->last || records == RECORDS_NONE ||
	    score_of(row, way) < SCORE_MAX)
		return 0;
	row->next = start + units;
	row->late = 0;
	return 1;
}

static void see_any(struct notes_sequence *row, const struct notes_number *number, uint32_t records,
		    uint32_t silence_s)
{
	int has_last = (row->flags & HAS_LAST) != 0;
	int32_t step = (int32_t)(number->sequence - row->last);
	if (has_last && see_way(row, step, records)) {
		/* What looked like gaps were none. */
		row->missing = 0;
		row->missing_before = 0;
		go_on(row, 0, 0);
	}
	uint32_t still = part_of(row, STILL, STILL_MAX);
	uint32_t more = still < STILL_MAX ? still + 1 : still;
	set_part(row, STILL, STILL_MAX, has_last && step == 0 ? more : 0);
	see_number(row, number, records, silence_s);
	row->flags |= HAS_LAST;
}

void notes_watch(struct notes_sequence *row, const struct notes_number *number, uint32_t now_s)
{
	uint32_t records = number->records > RECORDS_MAX ? RECORDS_NONE : number->records;
	uint32_t silence_s = now_s > row->last_s ? now_s - row->last_s : 0;
	if (silence_s >= NOTES_LATE_S)
		close_gaps(row);
	if (!see_next(row, number, records))
		see_any(row, number, records, silence_s);
	grow_old(row);
	row->last = number->sequence;
	row->records = (uint16_t)records;
	row->uptime_s = (uint16_t)(number->uptime_ms >> 10);
	__atomic_store_n(&row->last_s, now_s, __ATOMIC_RELAXED);
}

void notes_watch_begin(struct notes_sequence *row)
{
	int counts_datagrams = row->protocol == NOTES_NETFLOW_V9 || row->protocol == NOTES_SFLOW_V5;
	row->flags = counts_datagrams ? DATAGRAMS : RECORDS_BEFORE;
	for (uint32_t way = 0; way < WAYS; way++)
		row->scores = (uint16_t)(row->scores | SCORE_MIDDLE << way * SCORE_BITS);
	row->records = RECORDS_NONE;
}

void notes_watch_anew(struct notes_sequence *row)
{
	close_gaps(row);
	row->flags &= (uint8_t) ~(HAS_LAST | HAS_NEXT);
}

uint32_t notes_watched(const struct notes_sequence *row)
{
	return part_of(row, SETTLED, SETTLED_MAX);
}
