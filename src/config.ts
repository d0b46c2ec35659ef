import type { Octets } from './model/address.ts';

/** The settings of the service, read from the environment. Table: README.md. */
export interface Config {
  /** Where flow is received; undefined = the proxy is off. */
  readonly listen: { readonly octets: Octets; readonly port: number } | undefined;
  readonly packetBufferBytes: number;
  readonly forwarders: number;
  readonly api: {
    readonly octets: Octets;
    readonly port: number;
    readonly tls: TlsConfig | undefined;
  };
  readonly databasePath: string;
  readonly logLevel: string;
  /** Kernel receive buffer of each forwarder's socket, in bytes. */
  readonly receiveBufferBytes: number;
  /** Kernel send buffer of each raw socket, in bytes. */
  readonly sendBufferBytes: number;
  /** The 12 bytes before an IPv4 source address on its way to an IPv6 collector (spec R6). */
  readonly ipv4SourcePrefix: Octets;
  /** Whom forwarders run as when the service is started as root. */
  readonly forwarderUser: { readonly uid: number; readonly gid: number };
}

export interface TlsConfig {
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Clients must show a certificate signed by one of these when set. */
  readonly clientCaPath: string | undefined;
}
