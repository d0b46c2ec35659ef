import type { ConfigProblem } from './problem.ts';
import type { System } from './system.ts';

/** What kind of value a setting has: how it is read, and how it is printed as it could be written. */
export interface Kind<T> {
  /** What comes after "must be". */
  readonly allowed: string;
  /** @returns undefined for what is not allowed */
  read(text: string, system: System): T | Refusal | undefined;
  print(value: T): string;
}

/** Says more than that a value is not what is allowed. */
export class Refusal {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** What holds when a variable is not set, and what documents say of it. */
export interface Fallback<T> {
  readonly text: string;
  of(system: System): T;
}

export const UNSET: Fallback<undefined> = { text: 'unset', of: () => undefined };

/** Without it nothing can start. */
export const REQUIRED = 'required';

/**
 * One setting: everything that is known of it. Reading, check-config, misspelt names and docs/settings.md follow from it.
 * Its value is shown to everybody who may look (`floxy status --settings`): a secret stands in a file, whose path is the value.
 */
export interface Setting<T> {
  readonly variable: `COLLECTOR_${string}`;
  readonly meaning: string;
  readonly kind: Kind<T>;
  /** Text as it would stand in the environment, a fallback, or `required`. */
  readonly default: string | Fallback<T | undefined> | typeof REQUIRED;
}

/** Settings by the names of their values. */
// biome-ignore lint/suspicious/noExplicitAny: settings of all types.
export type SettingGroup = Readonly<Record<string, Setting<any>>>;

type ValueOf<S> = S extends { readonly kind: Kind<infer T>; readonly default: infer D }
  ? D extends Fallback<infer U>
    ? T | U
    : T
  : never;

/** The values of a group. */
export type SettingValues<Group extends SettingGroup> = {
  readonly [Key in keyof Group]: ValueOf<Group[Key]>;
};

/** What was found in the environment: values where there is no problem. */
export interface Found<Group extends SettingGroup> {
  readonly values: Partial<SettingValues<Group>>;
  readonly problems: readonly ConfigProblem[];
}

/** @param env without empty variables */
export function readSettings<Group extends SettingGroup>(
  group: Group,
  env: NodeJS.ProcessEnv,
  system: System,
): Found<Group> {
  const values: Record<string, unknown> = {};
  const problems: ConfigProblem[] = [];
  for (const [key, setting] of Object.entries(group)) {
    const value = readSetting(setting, env[setting.variable], system);
    if (value instanceof Refusal) {
      const { variable } = setting;
      problems.push({ variable, value: env[variable], message: value.reason });
    } else values[key] = value;
  }
  return { values: values as Partial<SettingValues<Group>>, problems };
}

function readSetting<T>(setting: Setting<T>, text: string | undefined, system: System) {
  const { kind, default: fallback } = setting;
  if (text === undefined && typeof fallback !== 'string') return fallback.of(system);
  const refusal = new Refusal(`must be ${kind.allowed}`);
  if (text === undefined && fallback === REQUIRED) return refusal;
  return kind.read(text ?? (fallback as string), system) ?? refusal;
}

/** A setting as check-config shows it. */
export interface EffectiveSetting {
  readonly variable: string;
  /** As it could be written in the environment; empty = not set. */
  readonly value: string;
  readonly meaning: string;
}

export function showSettings<Group extends SettingGroup>(
  group: Group,
  values: SettingValues<Group>,
): EffectiveSetting[] {
  return Object.entries(group).map(([key, { variable, meaning, kind }]) => {
    const value: unknown = values[key];
    return { variable, value: value === undefined ? '' : kind.print(value), meaning };
  });
}
