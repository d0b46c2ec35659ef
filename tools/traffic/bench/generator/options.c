#include "bench/generator/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bench/payload.h"
#include "shared/address.h"
#include "shared/fail.h"

static void parse_of_family(const char *text, int family, uint8_t *address)
{
	if (inet_pton(family == 4 ? AF_INET : AF_INET6, text, address) != 1)
		refuse("an address is not of the destination's family");
}

struct options parse_options(int argc, char **argv)
{
	static const struct option names[] = {
		{"interface", required_argument, NULL, 'i'},
		{"destination-mac", required_argument, NULL, 'm'},
		{"destination", required_argument, NULL, 'd'},
		{"port", required_argument, NULL, 'p'},
		{"first-exporter", required_argument, NULL, 'f'},
		{"payload", required_argument, NULL, 'l'},
		{"exporters", required_argument, NULL, 'e'},
		{"addresses", required_argument, NULL, 'a'},
		{"rate", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'},
		{0},
	};
	const char *text[128] = {0};
	for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (name == '?')
			refuse("unknown option; see struct options in options.h");
		text[name] = optarg;
	}
	for (const struct option *option = names; option->name != NULL; option++)
		if (text[option->val] == NULL)
			refuse("every option is needed; see struct options in options.h");
	struct options options = {
		.interface = text['i'],
		.family = strchr(text['d'], ':') == NULL ? 4 : 6,
		.destination_port = (uint16_t)atoi(text['p']),
		.payload = (uint32_t)atoi(text['l']),
		.exporters = (uint32_t)atoi(text['e']),
		.addresses = (uint32_t)atoi(text['a']),
		.rate = atof(text['r']),
		.seconds = atof(text['s']),
	};
	if (!read_mac(text['m'], options.destination_mac))
		refuse("--destination-mac is no MAC address");
	parse_of_family(text['d'], options.family, options.destination);
	parse_of_family(text['f'], options.family, options.first_exporter);
	if (options.payload < sizeof(struct payload_header) || options.payload > PAYLOAD_MAX)
		refuse("--payload must be from 24 to 1472");
	if (!(options.seconds > 0 && options.rate >= 0))
		refuse("--seconds must be above 0, --rate not below");
	if (options.exporters == 0 || options.addresses == 0 ||
	    options.exporters / options.addresses > 60000)
		refuse("--exporters and --addresses must be at least 1");
	return options;
}
