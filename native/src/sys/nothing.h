/* Sockets that only send. */
#ifndef NOTHING_H
#define NOTHING_H

/*
 * Nothing that comes to the socket is kept, for ever: nobody reads it, and it would leave no room
 * for errors; and whoever else has the socket cannot listen by it. 0 or a negative errno.
 */
int sys_take_nothing(int fd);

#endif
