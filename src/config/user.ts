import { parsePasswd, type UserAccount } from '../model/accounts.ts';
import type { Kind } from './setting.ts';

/** Whom forwarders run as. */
export type ForwarderUser = UserAccount;

/**
 * Not `nobody`: whoever runs as the same user as a forwarder can get at its memory, and many services run as
 * `nobody`.
 */
export const DEFAULT_USER = 'floxy';

/**
 * Ids that neither systems nor systemd give to anybody (systemd.io/UIDS-GIDS), and that containers have too.
 * The default user is the highest of them that /etc/passwd does not name: a process needs no entry there.
 */
const FREE_IDS = Array.from({ length: 14 }, (_, i) => 65_533 - i);

/**
 * Looks a user up.
 *
 * @param nameOrUid a name, or a decimal user id
 * @param passwd the text of /etc/passwd
 * @returns undefined when there is none, or when it has the user or group id 0
 */
function findUser(nameOrUid: string, passwd: string): ForwarderUser | undefined {
  const users = parsePasswd(passwd);
  const user =
    users.find(({ name }) => name === nameOrUid) ??
    users.find(({ uid }) => String(uid) === nameOrUid);
  if (user === undefined && nameOrUid === DEFAULT_USER) return makeUser(users);
  return user === undefined || user.uid === 0 || user.gid === 0 ? undefined : user;
}

function makeUser(users: readonly ForwarderUser[]): ForwarderUser | undefined {
  const id = FREE_IDS.find((free) => users.every(({ uid, gid }) => uid !== free && gid !== free));
  return id === undefined ? undefined : { name: DEFAULT_USER, uid: id, gid: id };
}

export const FORWARDER_USER: Kind<ForwarderUser> = {
  allowed:
    'a name or user id that is in /etc/passwd and has neither user id nor group id 0; floxy need not be there',
  read: (text, system) => findUser(text, system.readPasswd()),
  print: ({ name }) => name,
};
