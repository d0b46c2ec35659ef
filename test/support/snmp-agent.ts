import snmp from 'net-snmp';
import { freeUdpPort } from './free-port.ts';

/** What is used of net-snmp's agent; its types lack some. */
interface Agent {
  registerProvider(provider: object): void;
  getMib(): {
    setScalarValue(name: string, value: string): void;
    addTableRow(name: string, row: readonly unknown[]): void;
  };
  getAuthorizer(): { addCommunity(name: string): void; addUser(user: object): void };
  close(done: () => void): void;
}

interface Inside {
  createAgent(options: object, done: () => void): Agent;
  readonly AccessControlModelType: { readonly None: number };
  readonly MibProviderType: { readonly Scalar: number; readonly Table: number };
  readonly MaxAccess: Readonly<Record<string, number>>;
}

const { createAgent, AccessControlModelType, MibProviderType, MaxAccess } =
  snmp as unknown as Inside;
const { AuthProtocols, ObjectType, PrivProtocols, SecurityLevel } = snmp;

const SYSTEM_NAME = { name: 'sysName', oid: '1.3.6.1.2.1.1.5' };

/**
 * An exporter's SNMP agent on a port of 127.0.0.1: community `public`, user `floxy` (SHA-256, AES). It is called edge1;
 * interface 1 is xe-0/0/0, transit; interface 2 has an ifDescr alone.
 */
export async function startSnmpAgent(): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await freeUdpPort();
  const accessControlModelType = AccessControlModelType.None;
  const agent = createAgent(
    { port, address: '127.0.0.1', accessControlModelType },
    () => undefined,
  );
  const authorizer = agent.getAuthorizer();
  authorizer.addCommunity('public');
  authorizer.addUser({
    name: 'floxy',
    level: SecurityLevel.authPriv,
    authProtocol: AuthProtocols.sha256,
    authKey: 'authentication',
    privProtocol: PrivProtocols.aes,
    privKey: 'privacy-privacy',
  });
  agent.registerProvider({
    ...SYSTEM_NAME,
    type: MibProviderType.Scalar,
    scalarType: ObjectType.OctetString,
    maxAccess: MaxAccess['read-only'],
  });
  agent.registerProvider(table('ifTable', '1.3.6.1.2.1.2.2.1', { ifDescr: 2 }));
  agent.registerProvider(table('ifXTable', '1.3.6.1.2.1.31.1.1.1', { ifName: 1, ifAlias: 18 }));
  const mib = agent.getMib();
  mib.setScalarValue(SYSTEM_NAME.name, 'edge1');
  mib.addTableRow('ifTable', [1, 'Ethernet 1']);
  mib.addTableRow('ifTable', [2, 'Ethernet 2']);
  mib.addTableRow('ifXTable', [1, 'xe-0/0/0', 'transit']);
  return {
    port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => agent.close(resolve)),
  };
}

/** A table by ifIndex. @param columns numbers by name */
function table(name: string, oid: string, columns: Readonly<Record<string, number>>): object {
  const texts = Object.entries(columns).map(([column, number]) => ({
    name: column,
    number,
    type: ObjectType.OctetString,
    maxAccess: MaxAccess['read-only'],
  }));
  const index = { name: `${name}Index`, number: 100, type: ObjectType.Integer };
  return {
    name,
    oid,
    type: MibProviderType.Table,
    maxAccess: MaxAccess['not-accessible'],
    tableColumns: [{ ...index, maxAccess: MaxAccess['not-accessible'] }, ...texts],
    tableIndex: [{ columnName: index.name }],
  };
}
