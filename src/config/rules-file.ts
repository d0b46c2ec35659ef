import { FILE_PATH } from './kinds.ts';
import type { ConfigProblem } from './problem.ts';
import { type SettingGroup, UNSET } from './setting.ts';

const FILE = 'COLLECTOR_FLOXY_RULES_FILE';

/** Settings of a node whose rules are those of a file. */
export const RULES_FILE_SETTINGS = {
  rulesFile: {
    variable: FILE,
    meaning:
      'a file that has the rules, as protobuf text or (`.json`) JSON; read at the start, when it changes and at SIGHUP; the API changes no rules then',
    kind: FILE_PATH,
    default: UNSET,
  },
} as const satisfies SettingGroup;

/** Rules have one source. */
export function twoSources(
  file: string | undefined,
  leader: { readonly target: string } | undefined,
): ConfigProblem[] {
  if (file === undefined || leader === undefined) return [];
  const message = `cannot be set together with COLLECTOR_FLOXY_FOLLOW=${leader.target}: the rules are those of a file or those of another node`;
  return [{ variable: FILE, value: file, message }];
}
