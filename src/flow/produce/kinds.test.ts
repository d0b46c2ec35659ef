import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { loadProducerKind, PRODUCER_KINDS } from './kinds.ts';

const zod = JSON.stringify(pathToFileURL(path.resolve('node_modules/zod/index.js')).href);

/** What is said of a plug-in with this text. */
async function refusalOf(text: string | undefined): Promise<string> {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'floxy-plug-in-'));
  if (text !== undefined) await writeFile(path.join(folder.path, 'mine.mjs'), text);
  const error = await loadProducerKind('./mine.mjs', folder.path).then(
    () => assert.fail('the plug-in was taken'),
    (reason: Error) => reason,
  );
  return error.message.replaceAll(folder.path, 'FOLDER');
}

describe('kinds of producers', () => {
  test('those built in are found by name', async () => {
    for (const name of PRODUCER_KINDS) {
      assert.equal((await loadProducerKind(name, '/')).name, name);
    }
  });

  test('a name that nobody has is refused with those that there are', async () => {
    await assert.rejects(
      loadProducerKind('kafak', '/'),
      /no kind of producers named "kafak": it must be .*stdout/,
    );
  });

  test('a plug-in is the default export of a module', async () => {
    await using folder = await mkdtempDisposable(path.join(tmpdir(), 'floxy-plug-in-'));
    const text = `import { z } from ${zod};
      export default { name: 'mine', options: z.strictObject({ url: z.string() }), create() {} };`;
    await writeFile(path.join(folder.path, 'mine.mjs'), text);
    const kind = await loadProducerKind('./mine.mjs', folder.path);
    assert.equal(kind.name, 'mine');
    assert.equal(kind.options.safeParse({ url: 5 }).success, false);
  });

  test('a plug-in may export a function, which gets what it needs to make one', async () => {
    await using folder = await mkdtempDisposable(path.join(tmpdir(), 'floxy-plug-in-'));
    const text = `export default ({ z, commonOptions }) =>
      ({ name: 'mine', options: z.strictObject({ ...commonOptions, url: z.string() }), create() {} });`;
    await writeFile(path.join(folder.path, 'mine.mjs'), text);
    const kind = await loadProducerKind('./mine.mjs', folder.path);
    assert.equal(kind.options.safeParse({ url: 'x', queue_bytes: '1MiB' }).success, true);
    assert.equal(kind.options.safeParse({ url: 'x', queue: 5 }).success, false);
  });

  test('a plug-in that is not there, broken or no producer is refused, with its file and what is wrong', async () => {
    assert.match(
      await refusalOf(undefined),
      /^the plug-in FOLDER\/mine.mjs cannot be loaded: .*Cannot find/,
    );
    assert.match(await refusalOf('export defalt'), /cannot be loaded: .*[Uu]nexpected/);
    assert.match(
      await refusalOf('throw new Error("no database")'),
      /cannot be loaded: no database/,
    );
    assert.equal(
      await refusalOf('export const kind = {};'),
      'the plug-in FOLDER/mine.mjs has no default export: it must be a ProducerKind',
    );
    assert.equal(
      await refusalOf('export default { name: "mine", options: {}, formats: "json" }'),
      'the default export of the plug-in FOLDER/mine.mjs is no ProducerKind: its options must be a zod schema of the ' +
        'options; its formats must be a list of names; its create must be a function',
    );
    assert.match(await refusalOf('export default 5'), /is no ProducerKind: it /);
  });
});
