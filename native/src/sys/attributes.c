#include "attributes.h"

#include <string.h>
#include <sys/socket.h>

#define HARDWARE_BYTES 8

int type_of(const struct rtattr *attribute)
{
	return attribute->rta_type & NLA_TYPE_MASK;
}

size_t bytes_of_family(int family)
{
	return family == AF_INET ? 4 : 16;
}

static uint8_t family_number(int family)
{
	return family == AF_INET ? 4 : 6;
}

uint32_t number_in(const struct rtattr *attribute)
{
	uint32_t value = 0;
	if (RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

void text_in(const struct rtattr *attribute, char *text, size_t size)
{
	size_t bytes = RTA_PAYLOAD(attribute);
	if (bytes > size - 1)
		bytes = size - 1;
	memset(text, 0, size);
	memcpy(text, RTA_DATA(attribute), bytes);
}

uint8_t address_in(const struct rtattr *attribute, int family, uint8_t address[16])
{
	size_t bytes = bytes_of_family(family);
	if (RTA_PAYLOAD(attribute) != bytes)
		return 0;
	memcpy(address, RTA_DATA(attribute), bytes);
	return family_number(family);
}

uint8_t via_in(const struct rtattr *attribute, uint8_t address[16])
{
	const struct rtvia *via = RTA_DATA(attribute);
	if (RTA_PAYLOAD(attribute) < sizeof(*via))
		return 0;
	size_t bytes = bytes_of_family(via->rtvia_family);
	if (RTA_PAYLOAD(attribute) != sizeof(*via) + bytes)
		return 0;
	memcpy(address, via->rtvia_addr, bytes);
	return family_number(via->rtvia_family);
}

uint8_t hardware_in(const struct rtattr *attribute, uint8_t hardware[HARDWARE_BYTES])
{
	size_t bytes = RTA_PAYLOAD(attribute);
	if (bytes > HARDWARE_BYTES)
		bytes = HARDWARE_BYTES;
	memcpy(hardware, RTA_DATA(attribute), bytes);
	return (uint8_t)bytes;
}
