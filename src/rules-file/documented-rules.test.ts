/** The examples of rules in documents are rules. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../package-root.ts';
import { Document } from './document.ts';
import { formatProblem, readRules, UNKNOWN_HOST } from './rules-file.ts';
import { loadShape } from './shape.ts';

const document = readFileSync(join(packageRoot, 'docs/rules.md'), 'utf8');
const examples = [...document.matchAll(/^## (.*)\n|^```\n([\s\S]*?)^```$/gm)];

let heading = '';
for (const [, title, text] of examples) {
  heading = title ?? heading;
  if (text === undefined) continue;
  test(`docs/rules.md: the example of "${heading}" is taken`, async () => {
    const read = await Document.read(Buffer.from(text), loadShape('ProxyRules'), 'text');
    const { problems, ruleSet } = await readRules(read, UNKNOWN_HOST);
    assert.deepEqual(
      problems.map((problem) => formatProblem('example', read, problem)),
      [],
    );
    assert.ok(ruleSet.rules.length + ruleSet.defaultOutputs.length > 0);
  });
}
