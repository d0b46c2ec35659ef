import { addon, type WatchHandle } from './addon.ts';
import { check, SystemCallError } from './system-call.ts';

/** What the kernel tells at once, at most. */
const MOST_EVENTS = 2048;
const EAGAIN = -11;

export interface AnnouncementsParts<Event> {
  /** For errors. */
  readonly name: string;
  readonly open: () => WatchHandle | number;
  readonly take: (handle: WatchHandle, bytes: Uint8Array) => number;
  readonly eventBytes: number;
  readonly parse: (bytes: Uint8Array) => readonly Event[];
}

/** What a part of the kernel announces from now on (native/include/sys_watch.h). */
export class Announcements<Event> {
  readonly #parts: AnnouncementsParts<Event>;
  readonly #handle: WatchHandle;
  readonly #bytes: Uint8Array;

  /** @throws SystemCallError EPERM without the right to be told, EPROTONOSUPPORT when the kernel has no such part */
  constructor(parts: AnnouncementsParts<Event>) {
    this.#parts = parts;
    const handle = parts.open();
    if (typeof handle === 'number') throw new SystemCallError(parts.name, -handle);
    this.#handle = handle;
    this.#bytes = new Uint8Array(MOST_EVENTS * parts.eventBytes);
  }

  /** Has it call back when there is something to take(). */
  start(onReadable: () => void): void {
    const call = () => {
      onReadable();
      return 0;
    };
    check('watchStart', addon().watchStart(this.#handle, call));
  }

  /** All that has been announced. @throws SystemCallError ENOBUFS when something was lost */
  take(): Event[] {
    const { name, take, parse, eventBytes } = this.#parts;
    const events: Event[] = [];
    for (;;) {
      const count = take(this.#handle, this.#bytes);
      if (count === EAGAIN) return events;
      check(name, count);
      events.push(...parse(this.#bytes.subarray(0, count * eventBytes)));
    }
  }

  close(): void {
    addon().watchClose(this.#handle);
  }
}
