import { FOLDER, READABLE_FILE } from './kinds.ts';
import { type SettingGroup, type SettingValues, UNSET } from './setting.ts';

/** Settings of pipelines, which decode what rules send to them. */
export const PIPELINE_SETTINGS = {
  pipelinesFile: {
    variable: 'COLLECTOR_PIPELINES_FILE',
    meaning:
      'the YAML file that says what pipelines there are; read again at SIGHUP; unset = they are set by the API',
    kind: READABLE_FILE,
    default: UNSET,
  },
  pipelinesDirectory: {
    variable: 'COLLECTOR_PIPELINES_DIRECTORY',
    meaning:
      'where pipelines keep what outlives their workers: templates, spools, datagrams that could not be decoded',
    kind: FOLDER,
    default: { text: 'the folder pipelines beside the database', of: () => undefined },
  },
} as const satisfies SettingGroup;

type Values = SettingValues<typeof PIPELINE_SETTINGS>;

export type PipelinesSettings = Omit<Values, 'pipelinesDirectory'> & {
  readonly pipelinesDirectory: string;
};
