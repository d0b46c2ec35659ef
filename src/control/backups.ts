/** Backups as streams of bytes, on their way out and back in (spec A33, A34). */
import { type FileHandle, open } from 'node:fs/promises';
import { FloxyError, messageOf } from '../base/errors.ts';
import type { BackupContent, BackupExtra, BackupFile } from '../model/history.ts';
import type { HistoryStore } from './ports.ts';

/** What is sent at once: small enough not to count as a large message of the API. */
const CHUNK_BYTES = 60 * 1024;

/** A backup of 1,000,000 rules has 250 MB, and its history 64 MiB. */
const MAX_BACKUP_BYTES = 2 * 1024 ** 3;

type BackupStore = Pick<HistoryStore, 'backup' | 'makeCopyFile' | 'readBackup' | 'removeCopy'>;

/** A backup that can be read, once. */
export interface OpenBackup extends AsyncDisposable {
  readonly file: BackupFile;
  chunks(): AsyncIterable<Buffer>;
}

/** Failures are FloxyErrors. */
export class Backups {
  readonly #store: BackupStore;

  constructor(store: BackupStore) {
    this.#store = store;
  }

  /** The file has no name any more when this resolves: nothing of it is left, whatever happens. */
  async make(extra: BackupExtra): Promise<OpenBackup> {
    const file = await this.#store.backup(extra);
    const handle = await open(file.path, 'r').finally(() => this.#store.removeCopy(file.path));
    return {
      file,
      chunks: () => chunksOf(handle),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  }

  /** Takes a backup in and looks at all of it. */
  async read(chunks: AsyncIterable<Uint8Array>): Promise<BackupContent> {
    const path = await this.#store.makeCopyFile();
    try {
      await writeAll(path, chunks);
      return await this.#store.readBackup(path);
    } finally {
      await this.#store.removeCopy(path);
    }
  }
}

async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function writeAll(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > MAX_BACKUP_BYTES) {
        const message = `the backup has more than ${MAX_BACKUP_BYTES} bytes: it is none of this service`;
        throw new FloxyError('LIMIT_EXCEEDED', message);
      }
      await handle.write(chunk).catch((error: unknown) => {
        const message = `the backup cannot be taken in: ${messageOf(error)}`;
        throw new FloxyError('LIMIT_EXCEEDED', message, { cause: error });
      });
    }
  } finally {
    await handle.close();
  }
}
