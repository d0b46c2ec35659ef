import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Problem } from '../base/errors.ts';
import type { Health } from '../model/rules.ts';
import { checkHealth } from './validate-health.ts';

function problemsOf(health: Health): string[] {
  const problems: Problem[] = [];
  checkHealth(health, 'health', problems);
  return problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('checkHealth()', () => {
  it('V14: takes what fits together', () => {
    const url = 'http://192.0.2.1:8080/healthz';
    const good: Health[] = [
      {},
      { intervalMs: 100, timeoutMs: 100, rise: 1, fall: 100 },
      { check: 'PORT' },
      { check: 'PORT', port: 2055 },
      { check: 'TCP', port: 8086, intervalMs: 3_600_000 },
      { check: 'HTTP', url },
      { check: 'HTTP', url: 'https://[2001:db8::1]/ready?full=1' },
      { timeoutMs: 5_000 },
    ];
    for (const health of good) assert.deepEqual(problemsOf(health), [], JSON.stringify(health));
  });

  for (const [what, health, message] of [
    ['HTTP without a URL', { check: 'HTTP' }, 'health.url: check HTTP needs one'],
    ['a URL of ICMP', { url: 'http://192.0.2.1/' }, 'health.url: check ICMP has none: HTTP does'],
    ['a port of ICMP', { port: 1 }, 'health.port: check ICMP has none'],
    [
      'a port of HTTP',
      { check: 'HTTP', url: 'http://192.0.2.1/', port: 80 },
      'health.port: check HTTP has none: it is in the URL',
    ],
    [
      'a name as host',
      { check: 'HTTP', url: 'http://collector.example/' },
      'health.url: collector.example is a name: a check asks an address',
    ],
    [
      'PORT oftener than hosts answer',
      { check: 'PORT', intervalMs: 900 },
      'health.interval: check PORT needs 1s at least: hosts tell closed ports once a second',
    ],
    [
      'a password',
      { check: 'HTTP', url: 'http://me:secret@192.0.2.1/' },
      'health.url: it has a user or a password',
    ],
    [
      'a timeout beyond the interval',
      { intervalMs: 1_000, timeoutMs: 2_000 },
      'health.timeout: 2s is longer than the interval, 1s',
    ],
    [
      'a timeout beyond the interval that is not said',
      { timeoutMs: 6_000 },
      'health.timeout: 6s is longer than the interval, 5s',
    ],
  ] as const) {
    it(`V14: refuses ${what}`, () => assert.deepEqual(problemsOf(health), [message]));
  }
});
