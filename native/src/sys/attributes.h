/* Attributes of netlink messages (rtnetlink(7)). */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

/* Its number: the first bits may say that others are in it. */
int type_of(const struct rtattr *attribute);

/* Bytes of an address of a family of the kernel's, AF_INET or AF_INET6. */
size_t bytes_of_family(int family);

/* 0 where it is too short. */
uint32_t number_in(const struct rtattr *attribute);

/* As much of the text as has room, with a zero behind. */
void text_in(const struct rtattr *attribute, char *text, size_t size);

/* Returns the family, 4 or 6, or 0 when it is no address of that family. */
uint8_t address_in(const struct rtattr *attribute, int family, uint8_t address[16]);

/* The same of a gateway of either family (RTA_VIA, RFC 5549). */
uint8_t via_in(const struct rtattr *attribute, uint8_t address[16]);

/* An address on a link: returns how many bytes have been put there, 8 at most. */
uint8_t hardware_in(const struct rtattr *attribute, uint8_t hardware[8]);

#endif
