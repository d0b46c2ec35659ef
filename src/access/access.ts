import type { Logger } from 'pino';
import { FloxyError } from '../base/errors.ts';
import type { AccessConfig, FallbackRole, Principals } from '../config/config.ts';
import { type Caller, includesRole, ROLES, type Role } from '../model/caller.ts';
import { Accounts } from './accounts.ts';
import { type KnownToken, TokenBook } from './token-book.ts';

/** What is known of who is at the other end of a connection. */
export interface Peer {
  /** `address:port`, or `unix` and the process. */
  readonly from: string;
  /** It is on this host. */
  readonly isLocal: boolean;
  /** As the kernel says; undefined when it does not. */
  readonly user: { readonly uid: number; readonly gids?: readonly number[] } | undefined;
  /** Of a certificate that an authority for clients has signed: common name and alternative names. */
  readonly certificateNames: readonly string[];
}

/** Who that is, and what they may do without saying more; undefined = nothing. */
export interface Identity {
  readonly who: string;
  readonly role: Role | undefined;
  readonly from: string;
  /** What that follows from. */
  readonly peer: Peer;
  /** What they said more. */
  readonly token?: KnownToken;
}

/** The highest first: who is in several lists has the most. */
const HIGHEST_FIRST = ROLES.toReversed();

/** Says who callers of the API are and what they may do, by the settings and the file of tokens. */
export class Access {
  readonly #config: AccessConfig;
  readonly #accounts: Accounts;
  readonly #tokens: TokenBook | undefined;
  readonly #ownUid = process.geteuid?.() ?? 0;

  constructor(config: AccessConfig, log: Logger, accounts = new Accounts()) {
    this.#config = config;
    this.#accounts = accounts;
    const { tokensPath } = config;
    if (tokensPath === undefined) return;
    this.#tokens = new TokenBook(tokensPath, (problem) => {
      if (problem === undefined) log.info({ file: tokensPath }, 'tokens of the API were read');
      else log.error({ problem }, 'tokens of the API cannot be read: those before stay in force');
    });
  }

  get hasRoles(): boolean {
    return this.#config.hasRoles;
  }

  /** Reads the tokens, so that what is wrong with them is told at the start. @returns how many there are */
  start(): number {
    return this.#tokens?.size ?? 0;
  }

  /** Of the certificate when its name has a role, else of the user of this host, else of anybody. */
  identify(peer: Peer): Identity {
    const { from } = peer;
    const identity = this.#byCertificate(peer) ?? this.#byUser(peer) ?? this.#byPlace(peer);
    return { from, peer, ...identity, role: this.#config.hasRoles ? identity.role : 'admin' };
  }

  /**
   * Who a call is from. A token, when one is sent, says who it is, and nothing else does.
   *
   * @param authorization values of that header
   * @throws FloxyError UNAUTHENTICATED for a token that is not in force
   */
  authenticate(connection: Identity, authorization: readonly string[]): Identity {
    const tokens = this.#tokens;
    // Without roles and tokens the header may be meant for somebody on the way.
    if (authorization.length === 0 || (tokens === undefined && !this.hasRoles)) return connection;
    const token = tokens?.find(bearerOf(authorization));
    if (token === undefined) {
      throw unauthenticated(
        'the token is not known here: it is mistyped, was removed, or is of another node',
      );
    }
    if (!tokens?.isValid(token)) {
      const expired = new Date(token.expiresMs).toISOString();
      throw unauthenticated(`the token ${token.name} expired at ${expired}`);
    }
    const role = this.hasRoles ? token.role : 'admin';
    return { ...connection, who: `token:${token.name}`, role, token };
  }

  /**
   * @param call for the message
   * @throws FloxyError UNAUTHENTICATED when nobody is known who could have a role, PERMISSION_DENIED when theirs is
   *   not enough
   */
  authorise({ who, role, from }: Identity, needed: Role, call: string): Caller {
    if (role !== undefined && includesRole(role, needed)) return { who, role, from };
    const need = `${call} needs the role ${needed}`;
    if (role !== undefined)
      throw new FloxyError('PERMISSION_DENIED', `${need}, and ${who} has ${role}`);
    const message = `${need}, and ${who} has none here: send a token (authorization: Bearer …)`;
    throw unauthenticated(message);
  }

  /** For what goes on for long. @throws FloxyError UNAUTHENTICATED when the token is not in force any more */
  checkStill({ token }: Identity): void {
    if (token === undefined || this.#tokens?.isValid(token)) return;
    throw unauthenticated(`the token ${token.name} is not in force any more`);
  }

  #byCertificate({ certificateNames }: Peer): Pick<Identity, 'who' | 'role'> | undefined {
    for (const role of HIGHEST_FIRST) {
      const { certificates } = this.#config.named[role];
      const name = certificateNames.find((one) => certificates.includes(one));
      if (name !== undefined) return { who: `cert:${name}`, role };
    }
    return undefined;
  }

  #byUser({ user }: Peer): Pick<Identity, 'who' | 'role'> | undefined {
    if (user === undefined) return undefined;
    const who = this.#accounts.describe(user.uid);
    if (user.uid === 0 || user.uid === this.#ownUid) return { who, role: 'admin' };
    const gids = new Set([...(user.gids ?? []), ...this.#accounts.gidsOf(user.uid)]);
    const isNamed = ({ uids, groups }: Principals) =>
      uids.includes(user.uid) || groups.some(({ gid }) => gids.has(gid));
    const role = HIGHEST_FIRST.find((one) => isNamed(this.#config.named[one]));
    return { who, role: role ?? roleOf(this.#config.localUsers) };
  }

  #byPlace({ from, isLocal, certificateNames }: Peer): Pick<Identity, 'who' | 'role'> {
    const { localUsers, others } = this.#config;
    // Whom the kernel does not know could be anybody of this host.
    if (isLocal) return { who: 'an unknown user of this host', role: roleOf(localUsers) };
    const [name] = certificateNames;
    const who = name === undefined ? from.replace(/:\d+$/, '') : `cert:${name}`;
    return { who, role: roleOf(others) };
  }
}

function roleOf(fallback: FallbackRole): Role | undefined {
  return fallback === 'nothing' ? undefined : fallback;
}

/** What no token has when it is none, or there are several. */
function bearerOf(authorization: readonly string[]): string {
  const [value = ''] = authorization;
  const token = /^Bearer +(\S+)$/i.exec(value)?.[1];
  return authorization.length === 1 && token !== undefined ? token : '';
}

function unauthenticated(message: string): FloxyError {
  return new FloxyError('UNAUTHENTICATED', message);
}
