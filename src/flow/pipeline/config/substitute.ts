/** Secrets stand outside of documents: `${NAME}` in a text is a variable, `password_file: PATH` the text of a file. */
import { messageOf } from '../../../base/errors.ts';
import type { Path } from './document.ts';

/** Where secrets come from. */
export interface SecretSource {
  /** @returns undefined when there is no such variable, or it may not be used */
  variable(name: string): string | undefined;
  /** @throws Error when it cannot be read, or may not be used */
  readFile(path: string): string;
  /** Which variables and files may be used, when not all may. */
  readonly allowed?: string;
}

/** Keys of secrets: each may be written as `KEY_file`, whose text, without the line's end, is the secret. */
const SECRET_KEYS = [
  'password',
  'auth_password',
  'priv_password',
  'token',
  'secret',
  'passphrase',
  'nkey_seed',
  'community',
];

const VARIABLE = /\$(?:\$|\{([^}]*)\})/g;

interface Context {
  readonly secrets: SecretSource;
  /** Told of each problem. */
  readonly tell: (path: Path, message: string) => void;
}

/** A value with all secrets in it. `$$` is a dollar sign. What comes of a variable is always text. */
export function substitute(value: unknown, path: Path, context: Context): unknown {
  if (typeof value === 'string') return withVariables(value, path, context);
  if (Array.isArray(value)) {
    return value.map((item, i) => substitute(item, [...path, i], context));
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    const own = [...path, key];
    const secret = secretKey(key);
    if (secret === undefined || typeof item !== 'string')
      return [key, substitute(item, own, context)];
    if (secret in value) context.tell(own, `${secret} is there as well: leave one of them`);
    return [secret, secretOf(withVariables(item, own, context), own, context)];
  });
  return Object.fromEntries(entries);
}

function secretKey(key: string): string | undefined {
  return SECRET_KEYS.find((secret) => key === `${secret}_file`);
}

function withVariables(text: string, path: Path, { secrets, tell }: Context): string {
  return text.replace(VARIABLE, (found, name: string | undefined) => {
    if (name === undefined) return '$';
    const value = secrets.variable(name);
    if (value !== undefined) return value;
    const allowed = secrets.allowed === undefined ? '' : ` (${secrets.allowed})`;
    tell(path, `the environment has no variable ${name}${allowed}; a dollar sign is written $$`);
    return found;
  });
}

function secretOf(file: string, path: Path, { secrets, tell }: Context): string {
  try {
    return secrets.readFile(file).replace(/\r?\n$/, '');
  } catch (error) {
    tell(path, `cannot be read: ${messageOf(error)}`);
    return '';
  }
}
