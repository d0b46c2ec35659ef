import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { fileStamp } from '../../base/file-stamp.ts';
import type { TlsConfig } from '../../config/config.ts';
import { readCredentials, type ServerTls } from '../credentials.ts';

const LOOK_INTERVAL_MS = 1000;

/**
 * Has certificate, key and client CA of the API read again when their files change. Connections that are open stay
 * as they are. Files that cannot be used leave those before in force, which is told once they have not changed for a
 * second: they are written one after the other.
 */
export class CertificateWatch {
  readonly #tls: TlsConfig;
  readonly #log: Logger;
  #used: string;
  /** Of files that could not be used. */
  #bad: string | undefined;
  #told: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(tls: TlsConfig, log: Logger) {
    this.#tls = tls;
    this.#log = log;
    this.#used = stampOf(tls);
  }

  start(use: (renewed: ServerTls) => void): void {
    this.#timer = setInterval(() => this.look(use), LOOK_INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  look(use: (renewed: ServerTls) => void): void {
    const stamp = stampOf(this.#tls);
    if (stamp === this.#used || stamp === this.#told) return;
    try {
      const renewed = readCredentials(this.#tls);
      if (renewed === undefined) return;
      use(renewed);
      this.#used = stamp;
      const { subject, validTo } = new X509Certificate(renewed.cert);
      this.#log.info({ subject, validTo }, 'certificates of the API were read again');
    } catch (error) {
      if (stamp === this.#bad) this.#tell(stamp, messageOf(error));
      this.#bad = stamp;
    }
  }

  #tell(stamp: string, problem: string): void {
    this.#told = stamp;
    this.#log.error(
      { problem },
      'new certificates of the API cannot be used: those before stay in force',
    );
  }
}

function stampOf({ certificatePath, keyPath, clientCaPath }: TlsConfig): string {
  const files = [certificatePath, keyPath, ...(clientCaPath === undefined ? [] : [clientCaPath])];
  return files.map(fileStamp).join(' ');
}
