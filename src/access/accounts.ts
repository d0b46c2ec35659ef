import { readFileSync } from 'node:fs';
import { fileStamp } from '../base/file-stamp.ts';
import {
  type GroupAccount,
  parseGroups,
  parsePasswd,
  type UserAccount,
} from '../model/accounts.ts';

/** The users and groups of this host, as its files have them at present. */
export class Accounts {
  readonly #users: ParsedFile<UserAccount>;
  readonly #groups: ParsedFile<GroupAccount>;

  /** @param folder other than /etc in tests */
  constructor(folder = '/etc') {
    this.#users = new ParsedFile(`${folder}/passwd`, parsePasswd);
    this.#groups = new ParsedFile(`${folder}/group`, parseGroups);
  }

  /** `alice (uid 1000)`, or `uid 1000` of one that has no name here. */
  describe(uid: number): string {
    const name = this.#user(uid)?.name;
    return name === undefined ? `uid ${uid}` : `${name} (uid ${uid})`;
  }

  /** The groups that a user is in. Those of directories (LDAP) are not in the files. */
  gidsOf(uid: number): number[] {
    const user = this.#user(uid);
    if (user === undefined) return [];
    const others = this.#groups.entries().filter(({ members }) => members.includes(user.name));
    return [user.gid, ...others.map(({ gid }) => gid)];
  }

  #user(uid: number): UserAccount | undefined {
    return this.#users.entries().find((user) => user.uid === uid);
  }
}

/** Entries of a file, read again when it has changed. */
class ParsedFile<Entry> {
  readonly #path: string;
  readonly #parse: (text: string) => Entry[];
  #stamp: string | undefined;
  #entries: readonly Entry[] = [];

  constructor(path: string, parse: (text: string) => Entry[]) {
    this.#path = path;
    this.#parse = parse;
  }

  entries(): readonly Entry[] {
    const stamp = fileStamp(this.#path);
    if (stamp !== this.#stamp) this.#entries = this.#read();
    this.#stamp = stamp;
    return this.#entries;
  }

  #read(): Entry[] {
    try {
      return this.#parse(readFileSync(this.#path, 'utf8'));
    } catch {
      return [];
    }
  }
}
