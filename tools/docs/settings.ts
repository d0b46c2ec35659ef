/** The tables of docs/settings.md: one for each group of settings. */
import { ALL_SETTINGS } from '../../src/config/all-settings.ts';
import type { Setting, SettingGroup } from '../../src/config/setting.ts';
import { code, table } from './table.ts';

/** Replaces the table of each group in a document, below its title. @throws Error when a group has no place */
export function withSettings(document: string): string {
  return Object.entries(ALL_SETTINGS).reduce((text, [title, group]) => {
    const place = new RegExp(
      `(\\n## ${title}\\n(?:(?!## )[^|\\n][^\\n]*\\n|\\n)*)((?:\\|[^\\n]*\\n)*)`,
    );
    if (!place.test(text)) throw new Error(`docs/settings.md has no section ${title}`);
    return text.replace(place, (_, before: string) => `${before}${settingsTable(group)}\n`);
  }, document);
}

function settingsTable(group: SettingGroup): string {
  const row = (setting: Setting<unknown>) => {
    const { variable, meaning, kind, default: preset } = setting;
    return [
      code(variable),
      meaning,
      kind.allowed,
      typeof preset === 'string' ? preset : preset.text,
    ];
  };
  return table(['variable', 'meaning', 'value', 'default'], Object.values(group).map(row));
}
