/** A leader whose callers have roles. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { addToken, removeToken } from '../../src/access/token-file.ts';
import { OPEN_ACCESS } from '../api/harness.ts';
import { waitFor } from '../lab/shell.ts';
import { follow, Node } from './node.ts';

test('A22: a follower sends its token, and takes another one without a restart', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-follow-token-'));
  try {
    const tokensPath = path.join(folder, 'tokens.json');
    const tokenPath = path.join(folder, 'token');
    const give = (name: string) => {
      const token = addToken(tokensPath, { name, role: 'viewer', expires: undefined });
      writeFileSync(tokenPath, `${token}\n`);
    };
    give('first');
    await using leader = await Node.start({
      access: { ...OPEN_ACCESS, hasRoles: true, tokensPath },
    });
    await using follower = await Node.start({ follow: { ...follow(leader), tokenPath } });
    await waitFor('it follows', () => follower.following.isConnected);

    removeToken(tokensPath, 'first');
    const error = () => follower.following.error ?? '';
    await waitFor('it is refused', () => /token is not known|not in force/.test(error()));
    give('second');
    await waitFor('it follows again', () => follower.following.isConnected);

    writeFileSync(tokenPath, 'two words');
    removeToken(tokensPath, 'second');
    await waitFor('its own file is named', () => error().includes(tokenPath));
    assert.equal(follower.following.isConnected, false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
