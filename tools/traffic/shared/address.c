#include "shared/address.h"

#include <arpa/inet.h>
#include <stdio.h>

int read_address(const char *text, uint8_t address[16])
{
	memcpy(address, ipv4_prefix, sizeof(ipv4_prefix));
	return inet_pton(AF_INET, text, address + 12) == 1 ||
	       inet_pton(AF_INET6, text, address) == 1;
}

int read_mac(const char *text, uint8_t mac[6])
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		      &mac[4], &mac[5]) == 6;
}
