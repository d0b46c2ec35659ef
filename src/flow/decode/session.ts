import type { Template } from './template.ts';

/** An address as Packets have it: the first octet is the highest of the first word; IPv4 as ::ffff:a.b.c.d. */
export type AddressWords = readonly [number, number, number, number];

/** Who sends datagrams, by address: an exporter has a session for each of its ports, versions and domains. */
export interface Exporter {
  readonly address: AddressWords;
}

/** Within which templates and sequence numbers hold: exporter address, source port, version and domain. */
export interface Session {
  readonly exporter: Exporter;
  readonly port: number;
  readonly version: 5 | 9 | 10;
  /** IPFIX observation domain, v9 source id, v5 engine type (high octet) and id. */
  readonly domain: number;
  /** It has sent for a while: what strangers do cannot push it out. */
  readonly established: boolean;
  /** Of data and options, by template id. */
  readonly templates: ReadonlyMap<number, Template>;
  /** When the exporter started by its own word (systemInitTimeMilliseconds of an options record); 0 when unknown. */
  readonly systemInitMs: number;
  /**
   * One in so many packets was looked at, by what options said: of this session and sampler, of this session, of its
   * domain from other ports, of the exporter's address. 0 when unknown.
   *
   * @param samplerId flowSamplerId (48) or selectorId (302) of the record; 0 when it has none
   */
  samplingRate(samplerId: number): number;
}
