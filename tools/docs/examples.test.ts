import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadPipelines } from '../../src/flow/pipeline/config/load.ts';
import { localSecrets } from '../../src/flow/pipeline/config/secrets.ts';
import { packageRoot } from '../../src/package-root.ts';

const folder = join(packageRoot, 'examples');

for (const file of globSync('pipelines-*.yaml', { cwd: folder })) {
  test(`examples/${file} is a file of pipelines`, async () => {
    const config = await loadPipelines(readFileSync(join(folder, file), 'utf8'), {
      file,
      folder,
      secrets: localSecrets({}, folder),
      plugIns: true,
    });
    assert.equal(config.pipelines.length, 1);
  });
}
