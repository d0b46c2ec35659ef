/** The shape of a pipelines document. Keys are in snake_case; kinds of formats and producers have options of their own. */
import { z } from 'zod';
import { parseNodeAddress } from '../../../config/node-address.ts';
import { parseListenAddress } from '../../../config/socket-address.ts';
import { parseAddress } from '../../../model/address.ts';
import { duration } from '../../produce/options.ts';

/** As in rules (`pipeline: "NAME"`). */
const PIPELINE_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** Shards of one pipeline; also what `auto` never goes beyond. */
export const MAX_WORKERS = 64;
/** As many as the rings tell apart (ring.h). */
export const MAX_PIPELINES = 32;
const MAX_LISTENERS = 64;
const MAX_TEMPLATE_PEERS = 16;

const name = z
  .string()
  .regex(PIPELINE_NAME, 'must be 1 to 63 of a-z, 0-9, - and _, the first a letter or a digit');

const listen = z
  .string()
  .refine(
    (text) => parseListenAddress(text) !== undefined,
    'must be an address and a port, such as ":2055", "[::]:4739" or "192.0.2.1:6343"',
  );

const peer = z
  .string()
  .refine(
    (text) => parseNodeAddress(text) !== undefined,
    'must be host:port of the API of another node, such as "192.0.2.1:8853" or "node1:8853"',
  );

const TEMPLATES = z.strictObject({
  /** Nodes that are asked for what exporters have told them. */
  peers: z.array(peer).max(MAX_TEMPLATE_PEERS).default([]),
});

const prefix = z
  .string()
  .refine(isPrefix, 'must be an address or a prefix, such as 192.0.2.0/24 or 2001:db8::/32');

/** A kind with its options, which are looked at when the kind is known. */
export const KIND = z.looseObject({ kind: z.string() });

export const KIND_OR_NAME = z.union([z.string(), KIND], {
  error: 'must be a name, or a map with a kind and its options',
});

const BATCH = z.strictObject({
  rows: z.int().min(1).max(65_536).default(2048),
  max_delay: duration('1s', 'a batch that is not full goes out so long after its first row', 1),
  records_per_message: z.int().min(1).max(65_536).optional(),
});

export type BatchSettings = z.infer<typeof BATCH>;

const SFLOW = z.strictObject({
  /** Which packet goes to the columns when one carries another; also for octets of packets in IPFIX and NetFlow v9. */
  tunnels: z.enum(['outer', 'inner']).default('outer'),
  /** Whether counter records are written too, as JSON objects of type `sflow_counter`: with format json only. */
  counters: z.boolean().default(false),
});

export type SflowSettings = z.infer<typeof SFLOW>;

/** The keys of a document. */
export const DOCUMENT = {
  /** `floxy collect`: where flow is received. Every version on every port. */
  listen: z.array(listen).min(1).max(MAX_LISTENERS).optional(),
  /** Formats by a name of their own, for several pipelines. */
  formats: z.record(name, KIND).default({}),
  templates: TEMPLATES.prefault({}),
  pipelines: z.array(z.unknown()).max(MAX_PIPELINES),
};

/** The keys of a pipeline; of `unknown` ones the kinds know more. */
export const PIPELINE = {
  name,
  workers: z
    .union([z.int().min(1).max(MAX_WORKERS), z.literal('auto')], {
      error: `must be a whole number from 1 to ${MAX_WORKERS}, or auto`,
    })
    .default(1),
  format: KIND_OR_NAME.default('json'),
  producer: KIND,
  batch: BATCH.prefault({}),
  /** Sampling rate by exporters' prefix: the longest one holds, whatever the exporter says. */
  sampling: z.record(prefix, z.int().min(1).max(4_294_967_295)).default({}),
  sflow: SFLOW.prefault({}),
  enrich: z.unknown().default({}),
  /** The user's own columns and elements. */
  mapping: z.unknown().optional(),
};

function isPrefix(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/');
  const octets = parseAddress(address);
  if (octets === undefined || rest.length > 0) return false;
  if (length === undefined) return true;
  return /^\d{1,3}$/.test(length) && Number(length) <= octets.length * 8;
}
