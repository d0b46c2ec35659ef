#include "load/generator/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "load/generator/burst.h"
#include "load/payload.h"
#include "shared/address.h"
#include "shared/fail.h"

static void parse_sizes(struct options *options, const char *text)
{
	for (char *end; *text != '\0'; text = *end == ',' ? end + 1 : end) {
		unsigned long size = strtoul(text, &end, 10);
		if (end == text || size < sizeof(struct payload_header) || size > 65507 ||
		    options->size_count == SIZES_MAX)
			refuse("--sizes must be up to 64 numbers from 40 to 65507");
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

static void parse_option(struct options *options, int name, char *text)
{
	switch (name) {
	case 'i':
		options->interface = text;
		break;
	case 'm':
		if (!read_mac(text, options->destination_mac))
			refuse("--destination-mac is no MAC address");
		break;
	case '4':
		if (inet_pton(AF_INET, text, options->destination4) != 1)
			refuse("--destination4 is no IPv4 address");
		break;
	case '6':
		if (inet_pton(AF_INET6, text, options->destination6) != 1)
			refuse("--destination6 is no IPv6 address");
		break;
	case 'p':
		options->destination_port = (uint16_t)atoi(text);
		break;
	case 's':
		parse_sizes(options, text);
		break;
	case 'r':
		options->rate = atof(text);
		break;
	case 'R':
		options->hostile_rate = atof(text);
		break;
	case 'k':
		parse_kinds(options, text);
		break;
	case 'l':
		options->largest = (uint32_t)atoi(text);
		break;
	case 'f':
		options->first = strtoull(text, NULL, 10);
		break;
	case 'c':
		options->count = strtoull(text, NULL, 10);
		break;
	case 't':
		options->is_real_time = 1;
		break;
	default:
		refuse("unknown option; see struct options in options.h");
	}
}

struct options parse_options(int argc, char **argv)
{
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
		{"first", required_argument, NULL, 'f'},
		{"real-time", no_argument, NULL, 't'},
		{0},
	};
	struct options options = {.largest = 1472};
	for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;)
		parse_option(&options, name, optarg);
	if (options.interface == NULL || options.destination_port == 0 || options.size_count == 0)
		refuse("--interface, --port and --sizes are needed");
	if (options.largest < STORM_BYTES ||
	    options.largest > IP_BYTES_MAX - sizeof(struct iphdr) - sizeof(struct udphdr))
		refuse("--largest must be from 200 to 65507");
	if (options.is_real_time &&
	    (options.rate == 0 || (options.kind_count > 0 && options.hostile_rate == 0)))
		refuse("--real-time needs rates, or nothing else would run");
	return options;
}
