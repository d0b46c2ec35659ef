/** Users and groups as /etc/passwd and /etc/group have them (passwd(5), group(5)). */

export interface UserAccount {
  readonly name: string;
  readonly uid: number;
  /** Of the first group. */
  readonly gid: number;
}

export interface GroupAccount {
  readonly name: string;
  readonly gid: number;
  /** Names of users besides those whose first group it is. */
  readonly members: readonly string[];
}

/** @param text of /etc/passwd. Lines that are not `name:password:uid:gid:…` are none. */
export function parsePasswd(text: string): UserAccount[] {
  return text.split('\n').flatMap((line) => {
    const [, name, uid, gid] = /^([^:]+):[^:]*:(\d+):(\d+):/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid) }];
  });
}

/** @param text of /etc/group. Lines that are not `name:password:gid:members` are none. */
export function parseGroups(text: string): GroupAccount[] {
  return text.split('\n').flatMap((line) => {
    const [, name, gid, members = ''] = /^([^:]+):[^:]*:(\d+):(.*)$/.exec(line) ?? [];
    if (name === undefined) return [];
    return [{ name, gid: Number(gid), members: members.split(',').filter(Boolean) }];
  });
}
