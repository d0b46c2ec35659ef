/** What users say of enrichment in a pipeline's configuration. */
import { z } from 'zod';
import { isPrefix } from './address-words.ts';

const AUTH_PROTOCOLS = ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
const PRIV_PROTOCOLS = ['des', 'aes', 'aes256b', 'aes256r'] as const;

const prefix = z
  .string()
  .refine(isPrefix, 'must be an address or a prefix, such as 192.0.2.0/24 or 2001:db8::/32');

const community = z.strictObject({
  version: z.literal('2c'),
  community: z.string().min(1).max(255),
});

const user = z
  .strictObject({
    version: z.literal('3'),
    user: z.string().min(1).max(32),
    auth_protocol: z.enum(AUTH_PROTOCOLS).optional(),
    auth_password: z.string().min(8).optional(),
    priv_protocol: z.enum(PRIV_PROTOCOLS).optional(),
    priv_password: z.string().min(8).optional(),
    context: z.string().max(255).default(''),
  })
  .refine(
    ({ auth_protocol, auth_password }) =>
      (auth_protocol === undefined) === (auth_password === undefined),
    'auth_protocol and auth_password belong together',
  )
  .refine(
    ({ priv_protocol, priv_password }) =>
      (priv_protocol === undefined) === (priv_password === undefined),
    'priv_protocol and priv_password belong together',
  )
  .refine(
    ({ auth_password, priv_password }) =>
      priv_password === undefined || auth_password !== undefined,
    'priv_password needs auth_password: SNMPv3 knows no privacy without authentication',
  );

const snmp = z.strictObject({
  access: z.discriminatedUnion('version', [community, user]),
  /**
   * Prefixes of exporters that are asked, and no others: sources of datagrams can be forged, and a community must not
   * be sent to whom a forger names.
   */
  exporters: z.array(prefix).min(1).max(10_000),
  port: z.int().min(1).max(65_535).default(161),
  timeout_seconds: z.number().min(0.1).max(60).default(3),
  retries: z.int().min(0).max(5).default(1),
  /** How long an answer holds before it is asked again. */
  refresh_seconds: z.int().min(60).max(604_800).default(3600),
  /** Questions under way at the same time. */
  concurrency: z.int().min(1).max(64).default(4),
});

const names = z.strictObject({
  /** YAML or CSV file with names of exporters and interfaces: goes before all else. */
  file: z.string().min(1).optional(),
  /** Names that exporters tell in options data. */
  options: z.boolean().default(true),
  /** Asks exporters; only what neither file nor options data say. */
  snmp: snmp.optional(),
  /** Which of its names an interface is called by, where it has both. */
  show: z.enum(['name', 'description']).default('name'),
});

const networks = z.strictObject({
  /** MaxMind-format files: AS numbers, countries, or both. The first that knows an address counts. */
  files: z.array(z.string().min(1)).min(1).max(16),
  /** When the AS of a record is filled: where the exporter gave 0, always, or never. */
  as: z.enum(['missing', 'always', 'never']).default('missing'),
  country: z.boolean().default(true),
});

export const enrichmentOptions = z.strictObject({
  /** Counts multiplied by the sampling rate: columns estimatedBytes and estimatedPackets. */
  estimate: z.boolean().default(true),
  names: names.prefault({}),
  networks: networks.optional(),
});

export type EnrichmentOptions = z.output<typeof enrichmentOptions>;
export type NameOptions = EnrichmentOptions['names'];
export type SnmpOptions = NonNullable<NameOptions['snmp']>;
export type NetworkOptions = NonNullable<EnrichmentOptions['networks']>;
