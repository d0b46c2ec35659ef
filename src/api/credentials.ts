import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { FloxyError, messageOf } from '../base/errors.ts';
import type { TlsConfig } from '../config/config.ts';

/**
 * Credentials of the API server: none, TLS, or mutual TLS when there is a client CA.
 * @throws FloxyError INVALID_INPUT that names the file when one cannot be read or used
 */
export function readCredentials(tls: TlsConfig | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
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
  const pair = { cert_chain: certificate, private_key: key };
  return ServerCredentials.createSsl(clientCa, [pair], clientCa !== null);
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
