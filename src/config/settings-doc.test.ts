import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../package-root.ts';
import { ALL_SETTINGS } from './all-settings.ts';
import type { Setting } from './setting.ts';

function read(file: string): string {
  return readFileSync(path.join(packageRoot, file), 'utf8');
}

function cells(row: string): string[] {
  return row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''));
}

function defaultText({ default: fallback }: Setting<unknown>): string {
  return typeof fallback === 'string' ? fallback : fallback.text;
}

function rowOf(setting: Setting<unknown>): string {
  const { variable, meaning, kind } = setting;
  return `| \`${variable}\` | ${meaning} | ${kind.allowed} | ${defaultText(setting)} |`;
}

test('docs/settings.md has a section for each group, and a row for each setting as it is', () => {
  const expected = Object.entries(ALL_SETTINGS).flatMap(([title, group]) => [
    `## ${title}`,
    ...Object.values(group).map(rowOf),
  ]);
  const lines = read('docs/settings.md').split('\n');
  const found = lines.filter((line) => line.startsWith('## ') || line.startsWith('| `'));
  assert.deepEqual(found, expected);
});

test('the settings in README.md are those of docs/settings.md, with the same meaning and default', () => {
  const section = /\n## Settings\n(.*?)\n## /s.exec(read('README.md'))?.[1] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  assert.ok(rows.length >= 5);
  const all = Object.values(ALL_SETTINGS).flatMap((group) => Object.values(group));
  for (const row of rows) {
    const [name = '', ...rest] = cells(row);
    const setting = all.find(({ variable }) => name === `\`${variable}\``);
    assert.ok(setting, row);
    assert.deepEqual(rest, [setting.meaning, defaultText(setting)], name);
  }
});

test('every variable is named once', () => {
  const names = Object.values(ALL_SETTINGS).flatMap((group) =>
    Object.values(group).map(({ variable }) => variable),
  );
  assert.equal(new Set(names).size, names.length);
});
