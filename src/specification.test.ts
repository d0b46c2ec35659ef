/** The specification and those who name its rules: tests by their titles, code by its comments, documents. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { packageRoot } from './package-root.ts';

/** Rules named together: `R3`, `A5, A6, A7`, `S1 S2`, `R1 to R5`. */
const RULES = /[REVASDH]\d{1,2}(?:(?:, | and | to | )[REVASDH]\d{1,2})*/.source;
/** A string that begins with rules and a colon is the title of a test, or a part of one. */
const TITLE = new RegExp(`["'\`](${RULES}): `, 'g');
/** What a comment is about. */
const COMMENT = /(?:\/\*|\/\/|^\s*\*).*/gm;
const ANYWHERE = new RegExp(`\\b(${RULES})\\b`, 'g');
/** The engine. */
const NOT_A_RULE = 'V8';

const rules = new Set(
  [...read('docs/specification.md').matchAll(/^- \*\*([REVASDH]\d+)\*\* /gm)].map(
    ([, rule]) => rule,
  ),
);
const sources = globSync('{src,test,bench,native,tools,scripts}/**/*.{ts,c,h}', {
  cwd: packageRoot,
}).map((file) => ({ file, text: read(file) }));
const documents = globSync('{*.md,docs/*.md,examples/*.md,bench/*.md,proto/*.proto}', {
  cwd: packageRoot,
}).map((file) => ({ file, text: read(file) }));

test('every rule of the specification has a test that is named after it', () => {
  const titles = sources.filter(({ file }) => /\.test\.ts$|\/test_\w+\.c$/.test(file));
  const tested = new Set(titles.flatMap(({ text }) => rulesIn(text, TITLE)));
  const untested = [...rules].filter((rule) => rule !== undefined && !tested.has(rule));
  assert.deepEqual(untested, [], 'these rules of docs/specification.md are named by no test');
});

test('no test, comment or document names a rule that the specification does not have', () => {
  const named = [
    ...documents.map(({ file, text }) => ({ file, names: rulesIn(text, ANYWHERE) })),
    ...sources.map(({ file, text }) => {
      const comments = [...text.matchAll(COMMENT)].join('\n');
      return { file, names: [...rulesIn(text, TITLE), ...rulesIn(comments, ANYWHERE)] };
    }),
  ];
  const unknown = named.flatMap(({ file, names }) => {
    const missing = new Set(names.filter((rule) => rule !== NOT_A_RULE && !rules.has(rule)));
    return [...missing].map((rule) => `${file}: ${rule}`);
  });
  assert.deepEqual(unknown, [], 'these rules are not in docs/specification.md');
});

test('the rules of a letter are in the order of their numbers, and each has one place', () => {
  const listed = [...read('docs/specification.md').matchAll(/^- \*\*([REVASDH])(\d+)\*\* /gm)];
  for (const letter of 'REVASD') {
    const numbers = listed.filter(([, of]) => of === letter).map(([, , number]) => Number(number));
    const inOrder = [...new Set(numbers)].toSorted((one, other) => one - other);
    assert.deepEqual(numbers, inOrder, `rules ${letter}`);
  }
});

function read(file: string): string {
  return readFileSync(path.join(packageRoot, file), 'utf8');
}

/** Each rule that a pattern finds, those within `R1 to R5` too. */
function rulesIn(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap(([, named = '']) => expand(named));
}

function expand(named: string): string[] {
  const range = /^([REVASDH])(\d+) to [REVASDH](\d+)$/.exec(named);
  if (range === null) return named.match(/[REVASDH]\d+/g) ?? [];
  const [, letter, from, to] = range;
  return Array.from(
    { length: Number(to) - Number(from) + 1 },
    (_, i) => `${letter}${Number(from) + i}`,
  );
}
