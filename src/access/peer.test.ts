import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { namesIn } from './peer.ts';

/** The names in a certificate with this subject and these alternative names, made by openssl. */
function names(subject: string, alternatives?: string, strange = ''): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-names-'));
  try {
    const [certificate, key] = [path.join(folder, 'crt'), path.join(folder, 'key')];
    const config = path.join(folder, 'cnf');
    writeFileSync(
      config,
      `[req]\ndistinguished_name=dn\n[dn]\n[ext]\nsubjectAltName=${alternatives}\n[strange]\n${strange}\n`,
    );
    const made = spawnSync('openssl', [
      ...['req', '-config', config],
      ...['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-days', '2', '-utf8', '-subj', subject, '-out', certificate, '-keyout', key],
      ...(alternatives === undefined ? [] : ['-extensions', 'ext']),
    ]);
    assert.equal(made.status, 0, made.stderr.toString());
    return namesIn(new X509Certificate(readFileSync(certificate)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('A20: the names of a certificate are its common names and alternative names', () => {
  assert.deepEqual(names('/O=Example/CN=alice'), ['alice']);
  assert.deepEqual(
    names('/CN=alice', 'DNS:a.example,email:a@b.example,URI:spiffe://x/y,IP:192.0.2.1'),
    ['alice', 'a.example', 'a@b.example', 'spiffe://x/y', '192.0.2.1'],
  );
  assert.deepEqual(names('/CN=alice/CN=bob'), ['alice', 'bob']);
  assert.deepEqual(names('/O=alice'), []);
});

test('A20: a strange name in a certificate is not taken for another one', () => {
  const strange = [
    names('/CN=alice\nCN=root'),
    names('/CN=x, CN=root'),
    names('/O=y\nCN=root/CN=x'),
    names('/CN=x', '@strange', 'URI.1=http://a, DNS:root'),
    names('/CN=x', '@strange', 'URI.1=http://a", DNS:root, "'),
  ];
  for (const found of strange) assert.ok(!found.includes('root'), JSON.stringify(found));
});
