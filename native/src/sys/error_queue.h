/* The error queue of a socket (recvmsg(2), MSG_ERRQUEUE). */
#ifndef ERROR_QUEUE_H
#define ERROR_QUEUE_H

#include <netinet/in.h>
#include <sys/socket.h>

/* After netinet/in.h: these are the kernel's own. */
#include <linux/errqueue.h>

/* The error that a message of the queue tells (IP_RECVERR, IPV6_RECVERR). Returns whether it does.
 */
int error_queue_read(struct msghdr *message, struct sock_extended_err *error);

#endif
