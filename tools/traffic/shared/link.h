/* An interface, past the IP stack (packet(7)): writing frames to it, and reading a ring of them. */
#ifndef SHARED_LINK_H
#define SHARED_LINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Opens a socket that writes frames, each behind a struct virtio_net_hdr. */
int open_writer(const char *interface);

/* Opens a socket, SOCK_RAW or SOCK_DGRAM, that has to do with no interface yet. */
int open_link(int type);

/* Gives a socket a ring to read from. @param request of this version of rings, struct
 * tpacket_req... */
uint8_t *map_ring(int fd, int version, const void *request, socklen_t request_bytes, size_t bytes);

/* From now on all that arrives over the interface is read. */
void bind_reader(int fd, const char *interface);

#endif
