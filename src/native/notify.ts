/** Telling the service manager (native/include/sys.h). */
import { addon } from './addon.ts';
import { check } from './system-call.ts';

/**
 * Sends one message to the service manager, without waiting (sd_notify(3)).
 *
 * @param socket as NOTIFY_SOCKET has it: a path, or the name of an abstract socket behind `@`
 * @param text lines of `NAME=value`
 * @throws SystemCallError EAGAIN when the manager does not read, ENOENT or ECONNREFUSED when there is none
 */
export function notify(socket: string, text: string): void {
  check('notify', addon().notify(socket, Buffer.from(text)));
}
