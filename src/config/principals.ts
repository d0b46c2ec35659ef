import { parseGroups, parsePasswd } from '../model/accounts.ts';
import { type Kind, Refusal } from './setting.ts';
import type { System } from './system.ts';

/** Those who have a role, as a setting names them. */
export interface Principals {
  /** As the setting has them. */
  readonly words: readonly string[];
  readonly uids: readonly number[];
  readonly groups: readonly { readonly name: string; readonly gid: number }[];
  /** Names in certificates: the subject's common name, or an alternative name. */
  readonly certificates: readonly string[];
}

export const NO_PRINCIPALS: Principals = { words: [], uids: [], groups: [], certificates: [] };

const CERTIFICATE = 'cert:';
const MAX_ID = 0xffff_fffe;

type Found = Partial<Omit<Principals, 'words'>> | Refusal;

/** Users, user ids, groups and names in certificates, with commas between them. */
export const PRINCIPALS: Kind<Principals> = {
  allowed:
    'users, user ids, %groups and cert:NAMES with commas between them, such as alice,1001,%netops,cert:ops.example.net',
  read: (text, system) => {
    const words = text.split(',').map((word) => word.trim());
    const found = words.map((word) => find(word, system));
    const refusal = found.find((one) => one instanceof Refusal);
    if (refusal !== undefined) return refusal;
    const parts = found as Exclude<Found, Refusal>[];
    return {
      words,
      uids: parts.flatMap(({ uids = [] }) => uids),
      groups: parts.flatMap(({ groups = [] }) => groups),
      certificates: parts.flatMap(({ certificates = [] }) => certificates),
    };
  },
  print: ({ words }) => words.join(','),
};

function find(word: string, system: System): Found {
  if (word.startsWith(CERTIFICATE)) return findCertificate(word.slice(CERTIFICATE.length));
  if (word.startsWith('%')) return findGroup(word.slice(1), system);
  if (/^\d+$/.test(word)) {
    return Number(word) <= MAX_ID ? { uids: [Number(word)] } : refuse(word, 'it is no user id');
  }
  const user = parsePasswd(system.readPasswd()).find(({ name }) => name === word);
  return user === undefined
    ? refuse(word, 'there is no such user in /etc/passwd; give its number')
    : { uids: [user.uid] };
}

function findGroup(word: string, system: System): Found {
  const group = parseGroups(system.readGroups()).find(({ name }) => name === word);
  return group === undefined
    ? refuse(`%${word}`, 'there is no such group in /etc/group')
    : { groups: [{ name: group.name, gid: group.gid }] };
}

function findCertificate(name: string): Found {
  return name === '' ? refuse(CERTIFICATE, 'it has no name') : { certificates: [name] };
}

function refuse(word: string, why: string): Refusal {
  return new Refusal(`must be ${PRINCIPALS.allowed}; of ${JSON.stringify(word)}: ${why}`);
}
