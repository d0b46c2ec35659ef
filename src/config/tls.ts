import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../base/errors.ts';
import type { ConfigProblem } from './problem.ts';

/** Files of TLS; all undefined = TLS is off. */
export interface TlsFiles {
  readonly certificatePath: string | undefined;
  readonly keyPath: string | undefined;
  readonly clientCaPath: string | undefined;
}

const CERTIFICATE = 'COLLECTOR_API_TLS_CERTIFICATE';
const KEY = 'COLLECTOR_API_TLS_KEY';
const CLIENT_CA = 'COLLECTOR_API_TLS_CLIENT_CA';

/** Which of the variables are missing beside the ones that are set. */
export function missingTlsVariables(isSet: (variable: string) => boolean): ConfigProblem[] {
  const missing = (variable: string, reason: string) => [
    { variable, value: undefined, message: `it is needed because ${reason} is set` },
  ];
  const wanted = [CERTIFICATE, KEY, CLIENT_CA].find(isSet);
  if (wanted === undefined) return [];
  return [CERTIFICATE, KEY].flatMap((variable) =>
    isSet(variable) ? [] : missing(variable, isSet(CLIENT_CA) ? CLIENT_CA : wanted),
  );
}

/** What is wrong with the content of readable files: no PEM, or a key of another certificate. */
export function tlsContentProblems(files: TlsFiles): ConfigProblem[] {
  const { certificatePath, keyPath, clientCaPath } = files;
  if (certificatePath === undefined || keyPath === undefined) return [];
  const pair = errorOf(() =>
    createSecureContext({ cert: readFileSync(certificatePath), key: readFileSync(keyPath) }),
  );
  // A secure context takes anything for an authority.
  const ca = clientCaPath && errorOf(() => new X509Certificate(readFileSync(clientCaPath)));
  return [
    ...problem(
      CERTIFICATE,
      certificatePath,
      pair,
      'must be a certificate in PEM that belongs to the key',
    ),
    ...problem(CLIENT_CA, clientCaPath, ca, 'must be certificates in PEM'),
  ];
}

function problem(
  variable: string,
  value: string | undefined,
  error: string | undefined,
  allowed: string,
): ConfigProblem[] {
  return error ? [{ variable, value, message: `${allowed}: ${error}` }] : [];
}

function errorOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
