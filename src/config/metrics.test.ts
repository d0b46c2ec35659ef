import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, readConfig } from './config.ts';

function read(env: Readonly<Record<string, string>>) {
  return readConfig(env, { workingDirectory: '/srv/floxy', fileProblem: () => undefined }).metrics;
}

test('pages and pushing are as they were set', () => {
  const { address, ...pushed } = read({
    COLLECTOR_METRICS_ADDRESS: ':8081',
    COLLECTOR_METRICS_MAX_RULES: '0',
    COLLECTOR_PUSH_METRICS: 'floxy',
    COLLECTOR_PUSH_MAX_RULES: '5',
    COLLECTOR_INFLUXDB_URL: 'https://influx.example:8086/',
    COLLECTOR_INFLUXDB_BUCKET: 'flow',
    COLLECTOR_INFLUXDB_ORG: 'net',
    COLLECTOR_INFLUXDB_TOKEN_FILE: 'token',
    COLLECTOR_OPENTSDB_URL: 'tcp://[2001:db8::1]:4242',
    COLLECTOR_PUSH_INTERVAL_SECONDS: '10',
    COLLECTOR_PUSH_HOST: 'node1',
  });
  assert.deepEqual(address, { octets: new Uint8Array(16), port: 8081 });
  assert.deepEqual(pushed, {
    maxRules: 0,
    pushMetrics: 'floxy',
    pushMaxRules: 5,
    influxdbUrl: 'https://influx.example:8086',
    influxdbDatabase: 'vflow',
    influxdbBucket: 'flow',
    influxdbOrganisation: 'net',
    influxdbTokenFile: '/srv/floxy/token',
    opentsdbUrl: 'tcp://[2001:db8::1]:4242',
    pushIntervalMs: 10_000,
    pushHost: 'node1',
  });
});

test('pages are on the loopback unless they are off', () => {
  assert.deepEqual(read({}).address, { octets: Uint8Array.of(127, 0, 0, 1), port: 8081 });
  assert.equal(read({ COLLECTOR_METRICS_ADDRESS: 'off' }).address, 'off');
});

test('what cannot be reached or does not fit together is refused', () => {
  const url = { COLLECTOR_INFLUXDB_URL: 'http://127.0.0.1:8086' };
  const wrong = [
    { COLLECTOR_METRICS_ADDRESS: '127.0.0.1' },
    { COLLECTOR_METRICS_ADDRESS: 'no' },
    { COLLECTOR_METRICS_MAX_RULES: '-1' },
    { COLLECTOR_PUSH_METRICS: 'both' },
    { COLLECTOR_METRICS_ADDRESS: 'localhost:8081' },
    { COLLECTOR_INFLUXDB_URL: 'tcp://127.0.0.1:8086' },
    { COLLECTOR_INFLUXDB_URL: 'http://user:secret@127.0.0.1:8086' },
    { COLLECTOR_INFLUXDB_URL: '127.0.0.1:8086' },
    { COLLECTOR_INFLUXDB_DATABASE: 'flow' },
    { ...url, COLLECTOR_INFLUXDB_BUCKET: 'flow' },
    { ...url, COLLECTOR_INFLUXDB_ORG: 'net' },
    { COLLECTOR_OPENTSDB_URL: 'tcp://127.0.0.1' },
    { COLLECTOR_OPENTSDB_URL: 'http://127.0.0.1:4242?details' },
    { COLLECTOR_PUSH_INTERVAL_SECONDS: '0' },
  ];
  for (const env of wrong) assert.throws(() => read(env), ConfigError, JSON.stringify(env));
});
