/** Live flows as clients get them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TailRequest } from '../../src/flow/pipeline/tail/request.ts';
import { type TappedWorker, Taps } from '../../src/flow/pipeline/tail/taps.ts';
import { runFloxy } from '../cli/fake-terminal.ts';
import { waitFor } from '../lab/shell.ts';
import { pipelineStats } from '../support/pipeline-stats.ts';
import { startApi } from './harness.ts';

const FLOW = { sampler_address: '192.0.2.1', proto: 17, src_addr: '10.0.0.1', src_port: 53 };

/** A worker that finds the same flow again and again for whoever looks. */
function makeWorker(
  taps: Taps,
  pipeline: string,
): TappedWorker & { readonly wished: TailRequest[] } {
  const wished: TailRequest[] = [];
  const timers = new Map<number, NodeJS.Timeout>();
  const worker: TappedWorker = {
    pipeline,
    tap: (request) => {
      wished.push(request);
      const found = { id: request.id, records: [JSON.stringify(FLOW)], skipped: 3 };
      timers.set(
        request.id,
        setInterval(() => taps.found(worker, found), 5),
      );
    },
    untap: (id) => {
      clearInterval(timers.get(id));
      timers.delete(id);
    },
  };
  taps.attach(worker);
  return Object.assign(worker, { wished });
}

async function startWithFlows() {
  const taps = new Taps();
  const worker = makeWorker(taps, 'main');
  const stats = { pipelines: () => [pipelineStats({ name: 'main' })] };
  const api = await startApi({}, {}, { pipelineStats: stats, tails: taps });
  const run = (...args: string[]) => runFloxy(['--api', api.address, 'flows', ...args]);
  return { taps, worker, api, run, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

test('floxy flows prints flows as a table, and says what was left out', async () => {
  await using here = await startWithFlows();
  const { exitCode, output, errors } = await here.run('-n', '2');
  assert.equal(exitCode, 0);
  const [head, first, second, rest] = output.split('\n');
  assert.match(head ?? '', /^TIME +EXPORTER/);
  assert.match(first ?? '', /192\.0\.2\.1 +udp +10\.0\.0\.1:53/);
  assert.equal(second, first);
  assert.equal(rest, '');
  assert.match(errors, /3 more, not shown/);
});

test('filters go to the workers, and JSON comes as it was written', async () => {
  await using here = await startWithFlows();
  const filters = [
    ...[
      '--pipeline',
      'main',
      '--exporter',
      '192.0.2.0/24',
      '--address',
      '10.0.0.1',
      '2001:db8::/32',
    ],
    ...['--port', '53', '443', '--protocol', 'udp', '6', '--rate', '7'],
  ];
  const { output } = await here.run(...filters, '-o', 'json', '-n', '1');
  assert.deepEqual(JSON.parse(output), FLOW);
  const [{ id: _, ...wished } = {}] = here.worker.wished as Partial<TailRequest>[];
  assert.deepEqual(wished, {
    exporters: ['192.0.2.0/24'],
    addresses: ['10.0.0.1', '2001:db8::/32'],
    ports: [53, 443],
    protocols: [17, 6],
    recordsPerSecond: 7,
  });
});

test('workers stop looking when the client ends', async () => {
  await using here = await startWithFlows();
  const run = await runFloxy(['--api', here.api.address, 'flows'], { interruptAfterMs: 200 });
  assert.equal(run.exitCode, 0);
  let open = 0;
  const counting: TappedWorker = {
    pipeline: 'main',
    tap: () => void open++,
    untap: () => undefined,
  };
  await waitFor('the tail to end', () => {
    open = 0;
    here.taps.attach(counting)();
    return open === 0;
  });
});

test('what is wrong with a request is told, and a pipeline that there is not', async () => {
  await using here = await startWithFlows();
  const wrong = [
    [
      ['--exporter', 'router'],
      2,
      /filter\.exporters\[0\]: "router" must be an address or a prefix/,
    ],
    [['--port', '70000'], 2, /filter\.ports\[0\]: 70000 must be a port/],
    [['--protocol', '256'], 2, /filter\.protocols\[0\]: 256 must be 0 to 255/],
    [['--rate', '5000'], 2, /records_per_second: must be 1 to 1000/],
    [['--pipeline', 'other'], 1, /there is no pipeline other: there are main/],
    [['--protocol', 'quic'], 2, /one of icmp/],
  ] as const;
  for (const [args, exitCode, message] of wrong) {
    const run = await here.run(...args);
    assert.equal(run.exitCode, exitCode, args.join(' '));
    assert.match(run.errors, message);
  }
});

test('a client that does not read holds nobody up', async () => {
  await using here = await startWithFlows();
  const [slow, quick] = await Promise.all([
    runFloxy(['--api', here.api.address, 'flows', '-n', '1']),
    here.run('-n', '20'),
  ]);
  assert.deepEqual([slow.exitCode, quick.exitCode], [0, 0]);
});
