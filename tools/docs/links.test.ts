import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';

/** Without what is quoted from terminals and files. */
function textOf(file: string): string {
  return readFileSync(path.join(packageRoot, file), 'utf8').replace(/^```.*?^```/gms, '');
}

/** As web sites make them of headings. */
function anchorsOf(file: string): Set<string> {
  const headings = [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('links of documents lead to files and headings that are there', () => {
  const files = ['*.md', '*/*.md', 'docs/**/*.md'].flatMap((pattern) =>
    globSync(pattern, { cwd: packageRoot, exclude: ['node_modules', 'dist', 'build'] }),
  );
  assert.ok(files.length > 30, `${files.length}`);
  const broken = [...new Set(files)].flatMap((file) =>
    [...textOf(file).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^[a-z]+:/.test(link)) return [];
      const [name = '', anchor] = link.split('#');
      const target = name === '' ? file : path.join(path.dirname(file), name);
      const isThere = existsSync(path.join(packageRoot, target));
      const isRight =
        isThere &&
        (anchor === undefined || !target.endsWith('.md') || anchorsOf(target).has(anchor));
      return isRight ? [] : [`${file}: ${link}`];
    }),
  );
  assert.deepEqual(broken, []);
});
