import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { FloxyError, messageOf } from '../base/errors.ts';
import type { TlsConfig } from '../config/config.ts';

/** Options of a TLS server (node:tls). */
export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
}

/**
 * Credentials of the API server: none, TLS, or mutual TLS when there is a client CA.
 * @throws FloxyError INVALID_INPUT that names the file when one cannot be read or used
 */
export function readCredentials(tls: TlsConfig | undefined): ServerTls | undefined {
  if (tls === undefined) return undefined;
  const certificate = readTlsFile('certificate', tls.certificatePath);
  const key = readTlsFile('key', tls.keyPath);
  const clientCa =
    tls.clientCaPath === undefined ? null : readTlsFile('client CA', tls.clientCaPath);
  check(`certificate ${tls.certificatePath}`, () => createSecureContext({ cert: certificate }));
  check(`key ${tls.keyPath} with certificate ${tls.certificatePath}`, () =>
    createSecureContext({ cert: certificate, key }),
  );
  if (clientCa !== null) {
    // A secure context would take a file without any certificate, and then trust nobody.
    check(`client CA ${tls.clientCaPath}`, () => new X509Certificate(clientCa));
  }
  const isMutual = clientCa !== null;
  return {
    cert: certificate,
    key,
    ...(isMutual && { ca: clientCa }),
    requestCert: isMutual,
    rejectUnauthorized: isMutual,
  };
}

function readTlsFile(kind: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw cannotUse(`${kind} ${path}`, thrown);
  }
}

function check(what: string, use: () => unknown): void {
  try {
    use();
  } catch (thrown) {
    throw cannotUse(what, thrown);
  }
}

function cannotUse(what: string, cause: unknown): FloxyError {
  const message = `TLS of the API: ${what} cannot be used: ${messageOf(cause)}`;
  return new FloxyError('INVALID_INPUT', message, { cause });
}
