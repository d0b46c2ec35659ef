import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { FloxyError, messageOf } from '../base/errors.ts';
import { loadPipelines } from '../flow/pipeline/config/load.ts';
import { PipelinesError } from '../flow/pipeline/config/problem.ts';
import { localSecrets, remoteSecrets } from '../flow/pipeline/config/secrets.ts';
import type { PipelinesConfig } from '../flow/pipeline/config/settings.ts';

const NO_PIPELINES = 'pipelines: []\n';
const KEPT_FILE = 'pipelines.yaml';

export interface PipelineDocumentOptions {
  /** The file that owns the pipelines; undefined = the API does. */
  readonly file: string | undefined;
  /** What there is until the API sets something. */
  readonly document?: string | undefined;
  /** Where what the API set is kept. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The document that says what pipelines there are: a file of the user's, or what the API has set. */
export class PipelineDocument {
  readonly #options: PipelineDocumentOptions;
  #text = NO_PIPELINES;

  constructor(options: PipelineDocumentOptions) {
    this.#options = options;
  }

  /** As it was read or set last, and is right. */
  get text(): string {
    return this.#text;
  }

  /** The file that owns it; undefined = the API may set it. */
  get file(): string | undefined {
    return this.#options.file;
  }

  /** What relative paths in it begin at. */
  get folder(): string {
    const { file, folder } = this.#options;
    return file === undefined ? folder : path.dirname(file);
  }

  /**
   * Reads it anew.
   *
   * @throws FloxyError INVALID_INPUT that says all that is wrong with it
   */
  async read(): Promise<PipelinesConfig> {
    const { file, folder, document = NO_PIPELINES } = this.#options;
    const text =
      file === undefined ? (readKept(path.join(folder, KEPT_FILE)) ?? document) : readGiven(file);
    const config = await this.#load(text);
    this.#text = text;
    return config;
  }

  /** Checks another document. @throws FloxyError INVALID_INPUT */
  async check(text: string): Promise<void> {
    await this.#load(text);
  }

  /**
   * Checks another document and keeps it, on disk when this resolves.
   *
   * @throws FloxyError INVALID_INPUT; FILE_OWNED when a file owns it; STORE_UNWRITABLE
   */
  async replace(text: string): Promise<PipelinesConfig> {
    const { file, folder } = this.#options;
    if (file !== undefined) {
      throw new FloxyError(
        'FILE_OWNED',
        `the pipelines are those of ${file}: change them there, and send the service SIGHUP`,
      );
    }
    const config = await this.#load(text);
    try {
      keep(path.join(folder, KEPT_FILE), text);
    } catch (error) {
      const message = `the pipelines cannot be kept: ${messageOf(error)}`;
      throw new FloxyError('STORE_UNWRITABLE', message, { cause: error });
    }
    this.#text = text;
    return config;
  }

  async #load(text: string): Promise<PipelinesConfig> {
    const { file, env } = this.#options;
    const { folder } = this;
    const secrets = file === undefined ? remoteSecrets(env) : localSecrets(env, folder);
    const plugIns = file !== undefined;
    try {
      return await loadPipelines(text, { file: file ?? 'pipelines', folder, secrets, plugIns });
    } catch (error) {
      if (!(error instanceof PipelinesError)) throw error;
      throw new FloxyError('INVALID_INPUT', error.message, { cause: error });
    }
  }
}

function readGiven(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new FloxyError('INVALID_INPUT', `${file} cannot be read: ${messageOf(error)}`);
  }
}

function readKept(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new FloxyError('INVALID_INPUT', `${file} cannot be read: ${messageOf(error)}`);
  }
}

/** Whole or not at all, and on disk. */
function keep(file: string, text: string): void {
  const fresh = `${file}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, file);
  const folder = openSync(path.dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
