import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { waitFor } from '../../test/lab/shell.ts';
import { Publication } from './publication.ts';

const log = pino({ level: 'silent' });

test('H4: what changes at once, or while it is published, is one publication', async () => {
  let running = 0;
  let publications = 0;
  const publish = async () => {
    publications++;
    assert.equal(++running, 1, 'one after the other');
    await sleep(30);
    running--;
  };
  const publication = new Publication({ publish, log });
  for (let i = 0; i < 1000; i++) publication.request();
  await waitFor('the first publication', () => publications === 1);
  for (let i = 0; i < 1000; i++) publication.request();
  await waitFor('the second publication', () => publications === 2);
  await waitFor('its end', () => running === 0);
  publication.stop();
  publication.request();
  await sleep(300);
  assert.equal(publications, 2);
});

test('H4: a publication that fails is tried again', async () => {
  let tries = 0;
  const publish = async () => {
    if (++tries === 1) throw new Error('no room');
  };
  const publication = new Publication({ publish, log });
  publication.request();
  await waitFor('a second try', () => tries === 2);
  publication.stop();
});
