/** One exporter, asked by SNMP v2c or v3. What it answers is not believed to be well-formed. */
import snmp from 'net-snmp';
import type { SnmpOptions } from './options.ts';

export interface InterfaceAnswer {
  readonly index: number;
  /** ifName (RFC 2863); ifDescr where there is none. Empty when the exporter does not know the interface. */
  readonly name: string;
  /** ifAlias. */
  readonly description: string;
}

export interface Answer {
  /** sysName. */
  readonly name: string;
  readonly interfaces: readonly InterfaceAnswer[];
}

const SYS_NAME = '1.3.6.1.2.1.1.5.0';
const IF_NAME = '1.3.6.1.2.1.31.1.1.1.1';
const IF_ALIAS = '1.3.6.1.2.1.31.1.1.1.18';
const IF_DESCR = '1.3.6.1.2.1.2.2.1.2';
const COLUMNS = [IF_NAME, IF_ALIAS, IF_DESCR];

const MAX_INDEX = 2 ** 31 - 1;

/** What is used of net-snmp's session, and what its types do not tell: its socket's listener can be replaced. */
interface SnmpSession {
  get(oids: string[], done: (error: Error | null, varbinds?: snmp.Varbind[]) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  emit(event: 'error', error: unknown): unknown;
  onMsg(buffer: Buffer, from: { readonly address: string }): void;
  close(): unknown;
}

const Session = snmp.Session as unknown as new (
  target: string,
  authenticator: unknown,
  options: object,
) => SnmpSession;

/** net-snmp takes answers from anybody, and some malformed ones make it throw where nobody catches. */
class GuardedSession extends Session {
  readonly #target: string;

  constructor(target: string, authenticator: unknown, options: object) {
    super(target, authenticator, options);
    this.#target = target;
  }

  override onMsg(buffer: Buffer, from: { readonly address: string }): void {
    if (from.address !== this.#target) return;
    try {
      super.onMsg(buffer, from);
    } catch (error) {
      this.emit('error', error);
    }
  }
}

/**
 * Asks an exporter for its name and those of some interfaces: one question.
 *
 * @param address as it is printed by formatWords
 * @param indexes so few that the answer fits a datagram
 * @throws Error when it does not answer in time, or with something else
 */
export function askExporter(
  address: string,
  indexes: readonly number[],
  options: SnmpOptions,
): Promise<Answer> {
  // ifIndex is an InterfaceIndex: 1 to 2^31 − 1. Flow records have others as well.
  const known = indexes.filter((index) => index <= MAX_INDEX);
  const oids = [SYS_NAME, ...known.flatMap((index) => COLUMNS.map((oid) => `${oid}.${index}`))];
  const session = openSession(address, options);
  return new Promise<Answer>((resolve, reject) => {
    session.on('error', reject);
    session.get(oids, (error, varbinds = []) => {
      if (error !== null) return reject(error);
      const texts = new Map(varbinds.map((varbind) => [varbind.oid, textOf(varbind)]));
      const at = (oid: string) => texts.get(oid) ?? '';
      const interfaces = indexes.map((index) => {
        const [name = '', description = '', other = ''] = COLUMNS.map((oid) =>
          at(`${oid}.${index}`),
        );
        return { index, name: name || other, description };
      });
      resolve({ name: at(SYS_NAME), interfaces });
    });
  }).finally(() => session.close());
}

function openSession(address: string, options: SnmpOptions): SnmpSession {
  const { access, port, retries, timeout_seconds: seconds } = options;
  const common = {
    port,
    retries,
    timeout: seconds * 1000,
    backoff: 1,
    transport: address.includes(':') ? 'udp6' : 'udp4',
  };
  if (access.version === '2c') {
    return new GuardedSession(address, access.community, { ...common, version: snmp.Version2c });
  }
  const { user, auth_protocol, auth_password, priv_protocol, priv_password, context } = access;
  const level = [auth_password, priv_password].filter((password) => password !== undefined).length;
  const authenticator = {
    name: user,
    level: LEVELS[level],
    ...(auth_protocol && {
      authProtocol: snmp.AuthProtocols[auth_protocol],
      authKey: auth_password,
    }),
    ...(priv_protocol && {
      privProtocol: snmp.PrivProtocols[priv_protocol],
      privKey: priv_password,
    }),
  };
  return new GuardedSession(address, authenticator, { ...common, version: snmp.Version3, context });
}

const LEVELS = [
  snmp.SecurityLevel.noAuthNoPriv,
  snmp.SecurityLevel.authNoPriv,
  snmp.SecurityLevel.authPriv,
] as const;

/** Of a DisplayString or SnmpAdminString; empty for what is no text, and for noSuchInstance. */
function textOf(varbind: snmp.Varbind): string {
  if (snmp.isVarbindError(varbind) || !Buffer.isBuffer(varbind.value)) return '';
  return varbind.value.toString('utf8').replaceAll('\0', '');
}
