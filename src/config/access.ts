/** Settings that say who may do what by the gRPC API. */
import path from 'node:path';
import type { Role } from '../model/caller.ts';
import { choice, parsed, WRITABLE_FILE } from './kinds.ts';
import { NO_PRINCIPALS, PRINCIPALS, type Principals } from './principals.ts';
import type { ConfigProblem } from './problem.ts';
import { type Kind, type SettingGroup, type SettingValues, UNSET } from './setting.ts';

/** What `sun_path` holds (unix(7)), less the `.new` of a socket that is being made. */
const MAX_SOCKET_PATH_BYTES = 107 - '.new'.length;

/** Its name beside the runtime directory's other files. */
const SOCKET_NAME = 'api.sock';

/** Where packages have it. */
export const PACKAGE_SOCKET = '/run/floxy/api.sock';

const OFF = 'off';

const SOCKET_PATH: Kind<string> = {
  allowed: `the path of a file, of ${MAX_SOCKET_PATH_BYTES} bytes at most, or ${OFF}`,
  read: (text, system) => {
    if (text === OFF) return OFF;
    const file = WRITABLE_FILE.read(text, system);
    if (typeof file !== 'string') return file;
    return fits(file) ? file : undefined;
  },
  print: String,
};

const NONE = { text: 'nobody', of: () => NO_PRINCIPALS };

const ACCESS = 'COLLECTOR_API_ACCESS';

export const ACCESS_SETTINGS = {
  mode: {
    variable: ACCESS,
    meaning:
      'open: whoever reaches the gRPC API may do all; roles: what callers may do depends on who they are',
    kind: choice(['open', 'roles']),
    default: 'open',
  },
  admins: {
    variable: 'COLLECTOR_API_ADMINS',
    meaning: 'who may do all with roles, besides root and the user of the service',
    kind: PRINCIPALS,
    default: NONE,
  },
  editors: {
    variable: 'COLLECTOR_API_EDITORS',
    meaning: 'who may change rules and pipelines with roles, and drain',
    kind: PRINCIPALS,
    default: NONE,
  },
  viewers: {
    variable: 'COLLECTOR_API_VIEWERS',
    meaning: 'who may look with roles, besides those of the next two settings',
    kind: PRINCIPALS,
    default: NONE,
  },
  localUsers: {
    variable: 'COLLECTOR_API_LOCAL_USERS',
    meaning: 'what users of this host may do with roles whom nothing else names',
    kind: choice(['viewer', 'nothing']),
    default: 'viewer',
  },
  others: {
    variable: 'COLLECTOR_API_OTHERS',
    meaning:
      'what callers from the network may do with roles whom nothing else names; health is answered to all',
    kind: choice(['viewer', 'nothing']),
    default: 'nothing',
  },
  tokensPath: {
    variable: 'COLLECTOR_API_TOKENS_FILE',
    meaning: 'tokens of callers, which `floxy tokens` writes; read again when it changes',
    kind: WRITABLE_FILE,
    default: UNSET,
  },
  socketPath: {
    variable: 'COLLECTOR_API_SOCKET',
    meaning: 'unix socket of the gRPC API, beside its address',
    kind: SOCKET_PATH,
    default: { text: `${SOCKET_NAME} in the runtime directory`, of: () => undefined },
  },
  socketMode: {
    variable: 'COLLECTOR_API_SOCKET_MODE',
    meaning: 'who can connect to that socket: the permissions of its file',
    kind: parsed(
      'three octal digits, such as 666 or 660',
      (text) => (/^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
      (mode) => mode.toString(8).padStart(3, '0'),
    ),
    default: '666',
  },
} as const satisfies SettingGroup;

type AccessValues = SettingValues<typeof ACCESS_SETTINGS>;

/** What a caller has whom nothing names. */
export type FallbackRole = AccessValues['others'];

/** Who may do what by the API. */
export interface AccessConfig {
  /** Whether callers have roles; otherwise each may do all. */
  readonly hasRoles: boolean;
  readonly named: Readonly<Record<Role, Principals>>;
  readonly localUsers: FallbackRole;
  readonly others: FallbackRole;
  /** Absolute. */
  readonly tokensPath: string | undefined;
}

/** A unix socket to listen on. */
export interface ApiSocketConfig {
  /** Absolute. */
  readonly path: string;
  readonly mode: number;
}

export function toAccessConfig(values: AccessValues): AccessConfig {
  const { mode, admins, editors, viewers, localUsers, others, tokensPath } = values;
  const named = { admin: admins, editor: editors, viewer: viewers };
  return { hasRoles: mode === 'roles', named, localUsers, others, tokensPath };
}

/** The values with the path of the socket: in the runtime directory, unless its name is too long there. */
export function withSocketPath<Values extends Partial<AccessValues>>(
  values: Values,
  runtimeDirectory: string,
): Values {
  if (values.socketPath !== undefined) return values;
  const usual = path.join(runtimeDirectory, SOCKET_NAME);
  return { ...values, socketPath: fits(usual) ? usual : OFF };
}

/** undefined = none. */
export function toApiSocket({
  socketPath,
  socketMode: mode,
}: Pick<AccessValues, 'socketPath' | 'socketMode'>): ApiSocketConfig | undefined {
  return socketPath === undefined || socketPath === OFF ? undefined : { path: socketPath, mode };
}

/** Settings that would have no effect are mistakes: whoever wrote them counts on them. */
export function accessProblems(
  env: NodeJS.ProcessEnv,
  { mode, admins, editors, viewers }: Partial<AccessValues>,
): ConfigProblem[] {
  const { tokensPath: _t, socketPath: _s, socketMode: _m, mode: _a, ...ofRoles } = ACCESS_SETTINGS;
  const idle = Object.values(ofRoles).flatMap(({ variable }): ConfigProblem[] => {
    const value = env[variable];
    if (mode !== 'open' || value === undefined) return [];
    return [{ variable, value, message: `it has no effect without ${ACCESS}=roles` }];
  });
  const lists = { admins, editors, viewers } as const;
  const unseen = Object.entries(lists).flatMap(([key, principals]): ConfigProblem[] => {
    if (!principals?.certificates.length || env['COLLECTOR_API_TLS_CLIENT_CA'] !== undefined) {
      return [];
    }
    const { variable } = ACCESS_SETTINGS[key as keyof typeof lists];
    const message = 'certificates of clients are looked at with COLLECTOR_API_TLS_CLIENT_CA only';
    return [{ variable, value: env[variable], message }];
  });
  return [...idle, ...unseen];
}

function fits(socketPath: string): boolean {
  return Buffer.byteLength(socketPath) <= MAX_SOCKET_PATH_BYTES;
}
