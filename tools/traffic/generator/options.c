#include "generator/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "generator/burst.h"
#include "payload/numbered.h"
#include "payload/timed.h"
#include "shared/address.h"
#include "shared/fail.h"

#define SIZE_MAX_BYTES 65507u
#define TEMPLATES_BYTES 32u
#define EXPORTERS_PER_ADDRESS_MAX 60000u

static const struct option names[] = {
	{"interface", required_argument, NULL, 'i'},
	{"destination-mac", required_argument, NULL, 'm'},
	{"destination4", required_argument, NULL, '4'},
	{"destination6", required_argument, NULL, '6'},
	{"port", required_argument, NULL, 'p'},
	{"sizes", required_argument, NULL, 's'},
	{"rate", required_argument, NULL, 'r'},
	{"hostile-rate", required_argument, NULL, 'R'},
	{"hostile", required_argument, NULL, 'k'},
	{"largest", required_argument, NULL, 'l'},
	{"count", required_argument, NULL, 'c'},
	{"seconds", required_argument, NULL, 'S'},
	{"first", required_argument, NULL, 'f'},
	{"first-exporter", required_argument, NULL, 'F'},
	{"exporters", required_argument, NULL, 'e'},
	{"addresses", required_argument, NULL, 'a'},
	{"records", required_argument, NULL, 'w'},
	{"timed", no_argument, NULL, 'T'},
	{"templates", no_argument, NULL, 'v'},
	{"sleepless", no_argument, NULL, 'n'},
	{"real-time", no_argument, NULL, 't'},
	{0},
};

static void parse_sizes(struct options *options, const char *text)
{
	for (char *end; *text != '\0'; text = *end == ',' ? end + 1 : end) {
		unsigned long size = strtoul(text, &end, 10);
		if (end == text || size > SIZE_MAX_BYTES || options->size_count == SIZES_MAX)
			refuse("--sizes must be up to 1024 numbers up to 65507");
		options->sizes[options->size_count++] = (uint32_t)size;
	}
}

static void parse_kinds(struct options *options, char *text)
{
	for (char *name = strtok(text, ","); name != NULL; name = strtok(NULL, ",")) {
		uint32_t kind = 0;
		while (kind < KINDS && strcmp(name, kind_names[kind]) != 0)
			kind++;
		if (kind == KINDS || options->kind_count == KINDS)
			refuse("--hostile names kinds of packets");
		options->kinds[options->kind_count++] = (enum kind)kind;
	}
}

/* Where packets go. Returns 0 when the option is none of these. */
static int parse_destination(struct options *options, int name, char *text)
{
	switch (name) {
	case 'i':
		options->interface = text;
		return 1;
	case 'm':
		if (!read_mac(text, options->destination_mac))
			refuse("--destination-mac is no MAC address");
		return 1;
	case '4':
		if (inet_pton(AF_INET, text, options->destination4) != 1)
			refuse("--destination4 is no IPv4 address");
		return 1;
	case '6':
		if (inet_pton(AF_INET6, text, options->destination6) != 1)
			refuse("--destination6 is no IPv6 address");
		return 1;
	case 'p':
		options->destination_port = (uint16_t)atoi(text);
		return 1;
	default:
		return 0;
	}
}

/* Who sends, how many, and when it ends. Returns 0 when the option is none of these. */
static int parse_amount(struct options *options, int name, char *text)
{
	switch (name) {
	case 'r':
		options->rate = atof(text);
		return 1;
	case 'R':
		options->hostile_rate = atof(text);
		return 1;
	case 'c':
		options->count = strtoull(text, NULL, 10);
		return 1;
	case 'S':
		options->seconds = atof(text);
		return 1;
	case 'f':
		options->first = strtoull(text, NULL, 10);
		return 1;
	case 'F':
		if (!read_address(text, options->pattern.first))
			refuse("--first-exporter is no address");
		return 1;
	case 'e':
		options->pattern.exporters = (uint32_t)atoi(text);
		return 1;
	case 'a':
		options->pattern.addresses = (uint32_t)atoi(text);
		return 1;
	default:
		return 0;
	}
}

/* What packets are, and how they leave. */
static void parse_kind(struct options *options, int name, char *text)
{
	switch (name) {
	case 's':
		parse_sizes(options, text);
		break;
	case 'k':
		parse_kinds(options, text);
		break;
	case 'l':
		options->largest = (uint32_t)atoi(text);
		break;
	case 'w':
		options->records = text;
		break;
	case 'T':
		options->is_timed = 1;
		break;
	case 'v':
		options->has_templates = 1;
		break;
	case 'n':
		options->is_sleepless = 1;
		break;
	case 't':
		options->is_real_time = 1;
		break;
	default:
		refuse("unknown option; see struct options in options.h");
	}
}

static void check_exporters(const struct pattern *pattern)
{
	if (pattern->exporters == 0 && pattern->addresses == 0)
		return;
	if (pattern->exporters == 0 || pattern->exporters > STREAMS_MAX ||
	    pattern->addresses == 0 ||
	    pattern->exporters / pattern->addresses > EXPORTERS_PER_ADDRESS_MAX)
		refuse("--exporters must be from 1 to 65536, --addresses at least 1");
}

static void check(const struct options *options)
{
	size_t least =
		options->is_timed ? sizeof(struct timed_header) : sizeof(struct numbered_header);
	if (options->interface == NULL || options->destination_port == 0 ||
	    options->size_count == 0)
		refuse("--interface, --port and --sizes are needed");
	for (uint32_t i = 0; i < options->size_count; i++)
		if (options->sizes[i] < least)
			refuse("--sizes must be at least 40, of timed packets 24");
	if (options->is_timed && options->size_count != 1)
		refuse("--timed packets have one size");
	if (options->has_templates && (!options->is_timed || options->sizes[0] < TEMPLATES_BYTES))
		refuse("--templates are in --timed packets of at least 32 bytes");
	if (options->largest < STORM_BYTES ||
	    options->largest > IP_BYTES_MAX - sizeof(struct iphdr) - sizeof(struct udphdr))
		refuse("--largest must be from 200 to 65507");
	if (options->is_real_time &&
	    (options->rate == 0 || (options->kind_count > 0 && options->hostile_rate == 0)))
		refuse("--real-time needs rates, or nothing else would run");
	if (options->is_sleepless && options->kind_count > 0)
		refuse("--sleepless goes with no --hostile");
	check_exporters(&options->pattern);
}

struct options parse_options(int argc, char **argv)
{
	struct options options = {.largest = 1472};
	for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;)
		if (!parse_destination(&options, name, optarg) &&
		    !parse_amount(&options, name, optarg))
			parse_kind(&options, name, optarg);
	check(&options);
	return options;
}
