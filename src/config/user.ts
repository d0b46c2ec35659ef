import type { Kind } from './setting.ts';

/** Whom forwarders run as. */
export interface ForwarderUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export const DEFAULT_USER = 'nobody';

/** What Linux calls the overflow user: taken for `nobody` where /etc/passwd has none, as in small images. */
const OVERFLOW_ID = 65_534;

/**
 * Looks a user up.
 *
 * @param nameOrUid a name, or a decimal user id
 * @param passwd the text of /etc/passwd
 * @returns undefined when there is none, or when it has the user or group id 0
 */
function findUser(nameOrUid: string, passwd: string): ForwarderUser | undefined {
  const users = passwd.split('\n').flatMap(parseLine);
  const user =
    users.find(({ name }) => name === nameOrUid) ??
    users.find(({ uid }) => String(uid) === nameOrUid);
  if (user === undefined && nameOrUid === DEFAULT_USER) {
    return { name: DEFAULT_USER, uid: OVERFLOW_ID, gid: OVERFLOW_ID };
  }
  return user === undefined || user.uid === 0 || user.gid === 0 ? undefined : user;
}

/** Lines that are not `name:password:uid:gid:…` are none. */
function parseLine(line: string): ForwarderUser[] {
  const [, name, uid, gid] = /^([^:]+):[^:]*:(\d+):(\d+):/.exec(line) ?? [];
  return name === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid) }];
}

export const FORWARDER_USER: Kind<ForwarderUser> = {
  allowed: 'a name or user id that is in /etc/passwd and has neither user id nor group id 0',
  read: (text, system) => findUser(text, system.readPasswd()),
  print: ({ name }) => name,
};
