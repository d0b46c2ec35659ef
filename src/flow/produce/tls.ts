import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';
import { messageOf } from '../../base/errors.ts';
import { flag } from './options.ts';

const shape = z.strictObject({
  ca_file: z
    .string()
    .optional()
    .meta({ description: "PEM file of authorities to trust; absent: the system's" }),
  cert_file: z
    .string()
    .optional()
    .meta({ description: 'PEM file of the certificate to show, with `key_file`' }),
  key_file: z.string().optional().meta({ description: 'PEM file of its key' }),
  server_name: z
    .string()
    .optional()
    .meta({ description: "name that the peer's certificate must have; absent: the host's" }),
  verify: flag(true, "the peer's certificate is checked"),
});

type TlsOptions = z.output<typeof shape>;

/** The option `tls` of all kinds that have connections. */
export const tlsOption = shape
  .refine(({ cert_file, key_file }) => (cert_file === undefined) === (key_file === undefined), {
    error: 'cert_file and key_file go together',
  })
  .optional()
  .meta({ description: 'the connection is by TLS; `tls: {}` is enough; absent: it is not' });

/** Settings for node:tls. Files are read anew for each connection, so renewed certificates are used. @throws Error */
export async function tlsSettings(options: TlsOptions): Promise<ConnectionOptions> {
  const read = (file: string | undefined) => (file === undefined ? undefined : readPem(file));
  const [ca, cert, key] = await Promise.all([
    read(options.ca_file),
    read(options.cert_file),
    read(options.key_file),
  ]);
  return {
    rejectUnauthorized: options.verify,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(options.server_name !== undefined && { servername: options.server_name }),
  };
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Error(`the TLS file ${file} cannot be read: ${messageOf(error)}`);
  }
}
