import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { EnrichmentOptions } from '../../enrich/options.ts';
import { stdoutKind } from '../../produce/stdout.ts';
import { BUILT_IN } from './built-in.ts';
import type { Kinds } from './kinds.ts';
import { readPipelines } from './read.ts';
import type { PipelinesConfig } from './settings.ts';

const create = () => {
  throw new Error('nothing is started');
};

const KINDS: Kinds = {
  formats: new Map<string, z.ZodType>([
    ['json', z.strictObject({ nulls: z.boolean().default(false) })],
    ['blocks', z.strictObject({})],
  ]),
  producers: new Map([
    [
      'kafka',
      {
        name: 'kafka',
        options: z.strictObject({
          brokers: z.array(z.string()).min(1),
          password: z.string().optional(),
        }),
        create,
      },
    ],
    ['store', { name: 'store', options: z.strictObject({}), formats: ['blocks'], create }],
  ]),
  enrich: z.strictObject({ country: z.string().optional() }),
  mapping: z.array(z.strictObject({ column: z.string() })),
  tryFormat: () => {},
};

function read(text: string, kinds = KINDS): PipelinesConfig {
  const secrets = {
    variable: (name: string) => (name === 'KAFKA_PASSWORD' ? 'pa$$w$ord' : undefined),
    readFile: (path: string) => {
      if (path === '/run/secret') return 'from a file\n';
      throw new Error(`ENOENT: no such file: ${path}`);
    },
  };
  return readPipelines(text, { file: 'flows.yaml', kinds, secrets });
}

/** The lines of the error. */
function problems(text: string, kinds = KINDS): string[] {
  try {
    read(text, kinds);
  } catch (error) {
    return (error as Error).message.split('\n');
  }
  return [];
}

test('a short document has defaults for the rest', () => {
  const config = read('pipelines: [{name: lan, producer: {kind: kafka, brokers: [a]}}]');
  assert.deepEqual(config, {
    listen: undefined,
    templatePeers: [],
    pipelines: [
      {
        name: 'lan',
        workers: 1,
        format: { kind: 'json', options: { nulls: false }, written: {} },
        producer: {
          kind: 'kafka',
          options: { brokers: ['a'] },
          written: { brokers: ['a'] },
        },
        batch: { rows: 2048, max_delay: 1000 },
        sampling: [],
        sflow: { tunnels: 'outer', counters: false },
        enrich: { options: {}, written: {} },
        mapping: undefined,
      },
    ],
  });
});

test('all that can be said', () => {
  const config = read(`
listen: [":2055", "[::]:4739", "192.0.2.1:6343"]
formats:
  mine: {kind: json, nulls: true}
pipelines:
  - name: lan
    workers: auto
    format: mine
    producer: {kind: kafka, brokers: [a, b]}
    batch: {rows: 100, max_delay: 20ms, records_per_message: 50}
    sampling: {"192.0.2.0/24": 1000, "2001:db8::/32": 10, 198.51.100.1: 1}
    enrich: {country: /var/lib/geo.mmdb}
    mapping: [{column: a}]
`);
  assert.deepEqual(
    config.listen?.map(({ octets, port }) => [octets.length, port]),
    [
      [16, 2055],
      [16, 4739],
      [4, 6343],
    ],
  );
  const [pipeline] = config.pipelines;
  assert.equal(pipeline?.workers, 'auto');
  assert.deepEqual(pipeline?.format.options, { nulls: true });
  assert.deepEqual(pipeline?.sampling, [
    { prefix: '192.0.2.0/24', rate: 1000 },
    { prefix: '2001:db8::/32', rate: 10 },
    { prefix: '198.51.100.1', rate: 1 },
  ]);
});

test('secrets come from variables and files', () => {
  const config = read(`
pipelines:
  - {name: a, producer: {kind: kafka, brokers: ["\${KAFKA_PASSWORD}$$"], password: "\${KAFKA_PASSWORD}"}}
  - {name: b, producer: {kind: kafka, brokers: [x], password_file: /run/secret}}
`);
  assert.deepEqual(
    config.pipelines.map(({ producer }) => producer.options),
    [
      { brokers: ['pa$$w$ord$'], password: 'pa$$w$ord' },
      { brokers: ['x'], password: 'from a file' },
    ],
  );
});

test('every problem is told at once, with its place and what is expected', () => {
  const text = `listen: [":2055", "[::]:2055", nowhere]
formats:
  mine: {kind: jsonn}
format: {}
pipelines:
  - name: Lan
    wrkers: 2
    workers: many
    format: {kind: json, nulls: 1, nils: true}
    producer: {kind: kafka, brokers: none, passwd: x}
  - name: wan
    producer: {kind: kafak}
    sampling: {300.0.0.0/8: 10, 192.0.2.0/33: 1, 192.0.2.0/24: 0}
    enrich: {contry: x}
  - name: wan
    format: blocs
    batch: {rows: 0}
  - producer: {kind: store}
  - nothing
`;
  assert.deepEqual(problems(text), [
    'flows.yaml:1:32: listen[2]: must be an address and a port, such as ":2055", "[::]:4739" or "192.0.2.1:6343"',
    'flows.yaml:3:16: formats.mine.kind: there is no format "jsonn": is json meant?',
    'flows.yaml:4:1: format: there is no key "format": is formats meant?',
    'flows.yaml:6:11: pipelines[0].name: must be 1 to 63 of a-z, 0-9, - and _, the first a letter or a digit',
    'flows.yaml:7:5: pipelines[0].wrkers: there is no key "wrkers": is workers meant?',
    'flows.yaml:8:14: pipelines[0].workers: must be a whole number from 1 to 64, or auto',
    'flows.yaml:9:33: pipelines[0].format.nulls: must be true or false',
    'flows.yaml:9:36: pipelines[0].format.nils: there is no key "nils": is nulls meant?',
    'flows.yaml:10:38: pipelines[0].producer.brokers: must be a list',
    'flows.yaml:10:44: pipelines[0].producer.passwd: there is no key "passwd": is password meant?',
    'flows.yaml:12:22: pipelines[1].producer.kind: there is no kind of producer "kafak": is kafka meant?',
    'flows.yaml:13:16: pipelines[1].sampling.300.0.0.0/8: must be an address or a prefix, such as 192.0.2.0/24 or 2001:db8::/32',
    'flows.yaml:13:33: pipelines[1].sampling.192.0.2.0/33: must be an address or a prefix, such as 192.0.2.0/24 or 2001:db8::/32',
    'flows.yaml:13:64: pipelines[1].sampling.192.0.2.0/24: must be at least 1',
    'flows.yaml:14:14: pipelines[1].enrich.contry: there is no key "contry": is country meant?',
    'flows.yaml:15:5: pipelines[2].producer: is missing: it must be a map',
    'flows.yaml:15:11: pipelines[2].name: there is a pipeline wan already: give each a name of its own',
    'flows.yaml:16:13: pipelines[2].format: there is no format "blocs": is blocks meant?',
    'flows.yaml:17:19: pipelines[2].batch.rows: must be at least 1',
    'flows.yaml:18:5: pipelines[3].name: is missing: it must be a text',
    'flows.yaml:18:5: pipelines[3].format: a store producer carries blocks only, not json',
    'flows.yaml:19:5: pipelines[4]: must be a map',
  ]);
});

test('listeners that are one are told', () => {
  assert.deepEqual(problems('listen: [":2055", "[::]:2055"]\npipelines: []'), [
    'flows.yaml:1:19: listen[1]: [::]:2055 is there already: leave one of them',
  ]);
});

test('secrets that are not there are told', () => {
  const text = `pipelines:
  - {name: a, producer: {kind: kafka, brokers: ["\${NO_SUCH}"], password_file: /nowhere}}
  - {name: b, producer: {kind: kafka, brokers: [a], password_file: /run/secret, password: x}}`;
  assert.deepEqual(problems(text), [
    'flows.yaml:2:49: pipelines[0].producer.brokers[0]: the environment has no variable NO_SUCH; a dollar sign is written $$',
    'flows.yaml:2:79: pipelines[0].producer.password_file: cannot be read: ENOENT: no such file: /nowhere',
    'flows.yaml:3:68: pipelines[1].producer.password_file: password is there as well: leave one of them',
  ]);
});

test('what is no YAML is told with its place', () => {
  assert.deepEqual(problems('pipelines: []\npipelines: []\n'), [
    'flows.yaml:2:1: this key is there already: leave one of them',
  ]);
  assert.match(problems('pipelines: [')[0] ?? '', /^flows\.yaml:1:13: /);
  assert.deepEqual(problems(''), ['flows.yaml:1:1: pipelines: is missing: it must be a list']);
  assert.deepEqual(problems('[1]'), ['flows.yaml:1:1: must be a map']);
});

test('a document that grows without bounds by its aliases is refused', () => {
  const list = (of: string) => `[${Array.from({ length: 9 }, () => of).join(', ')}]`;
  const levels = ['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, i) => {
    const previous = String.fromCharCode(name.charCodeAt(0) - 1);
    return `${name}: &${name} ${list(`*${i === 0 ? 'a' : previous}`)}`;
  });
  const text = [`a: &a ${list('x')}`, ...levels].join('\n');
  assert.match(problems(text).join(), /alias/);
});

const WITH_STDOUT = { ...BUILT_IN, producers: new Map([[stdoutKind.name, stdoutKind]]) };

test('counter records of sFlow are asked for, and only with JSON', () => {
  const document = (format: string) =>
    `pipelines: [{name: lan, format: ${format}, sflow: {tunnels: inner, counters: true}, producer: {kind: kafka, brokers: [a]}}]`;
  const [pipeline] = read(document('json')).pipelines;
  assert.deepEqual(pipeline?.sflow, { tunnels: 'inner', counters: true });
  assert.match(problems(document('blocks')).join(), /sflow\.counters.*needs format json/);
});

test('fields that are no columns are told, and those of the mapping are some', () => {
  const document = (field: string) => `pipelines:
  - name: lan
    format: {kind: json, fields: [bytes, ${field}]}
    mapping: [{column: applicationId, element: 95, kind: text}]
    producer: {kind: stdout}`;
  assert.deepEqual(problems(document('application_id'), WITH_STDOUT), []);
  assert.match(
    problems(document('octets'), WITH_STDOUT).join(),
    /^flows\.yaml:3:13: pipelines\[0\]\.format: fields: there is no column "octets"; there are type, /,
  );
});

test('passwords of SNMP come from files as others do', () => {
  const text = `pipelines:
  - name: lan
    producer: {kind: stdout}
    enrich:
      names:
        snmp:
          exporters: [192.0.2.0/24]
          access: {version: "3", user: floxy, auth_protocol: sha256, auth_password_file: /run/secret,
            priv_protocol: aes, priv_password_file: /run/secret}`;
  const [pipeline] = read(text, WITH_STDOUT).pipelines;
  const enrichment = pipeline?.enrich.options as EnrichmentOptions | undefined;
  assert.deepEqual(enrichment?.names.snmp?.access, {
    ...{ version: '3', user: 'floxy', context: '' },
    ...{ auth_protocol: 'sha256', auth_password: 'from a file' },
    ...{ priv_protocol: 'aes', priv_password: 'from a file' },
  });
});
