/** `floxy collect` as its users see it: names in what it prints, and its pages. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { netflow5 } from '../flow/support/netflow5.ts';
import { floxy } from '../lab/service.ts';
import { endProcess, HANG_MS, waitFor } from '../lab/shell.ts';
import { freeTcpPort, freeUdpPort } from '../support/free-port.ts';

const DATAGRAMS = 10;

test('names of a file are in the flows, and pages tell what was decoded', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'floxy-collect-web-'));
  // Workers of root have a user of their own, who reads the file.
  await chmod(folder, 0o755);
  const [flowPort, webPort] = [await freeUdpPort(), await freeTcpPort()];
  await writeFile(path.join(folder, 'names.csv'), '127.0.0.1,,"edge ""1"""\n');
  await writeFile(
    path.join(folder, 'flows.yaml'),
    `listen: ["127.0.0.1:${flowPort}"]
pipelines:
  - name: look
    producer: {kind: stdout}
    enrich: {names: {file: names.csv}}
    sampling: {127.0.0.0/8: 1000}
`,
  );
  const child = spawn(floxy, ['collect', path.join(folder, 'flows.yaml')], {
    env: {
      PATH: process.env['PATH'],
      COLLECTOR_METRICS_ADDRESS: `127.0.0.1:${webPort}`,
      COLLECTOR_PIPELINES_DIRECTORY: path.join(folder, 'kept'),
    },
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  try {
    await waitFor(
      () => `it collects: ${errors}`,
      () => errors.includes('flow is collected') && errors.includes('pipeline worker started'),
    );
    const socket = createSocket('udp4');
    for (let i = 1; i <= DATAGRAMS; i++) {
      await new Promise((resolve) => socket.send(netflow5(1, i), flowPort, '127.0.0.1', resolve));
    }
    socket.close();
    const flows = await waitFor(
      () => `all flows: ${output} ${errors}`,
      () => output.split('\n').length > DATAGRAMS && output.trim().split('\n'),
    );
    const { sampler_name, packets, estimated_packets } = JSON.parse(flows.at(-1) ?? '');
    assert.deepEqual([sampler_name, packets, estimated_packets], ['edge "1"', 10, 10_000]);

    const get = async (page: string) => {
      return await (await fetch(`http://127.0.0.1:${webPort}${page}`)).text();
    };
    const delivered = /^floxy_pipeline_producer_delivered_total\{pipeline="look"\} 10$/m;
    await waitFor('the page to tell it', async () => delivered.test(await get('/metrics')));
    const { NetflowV5 } = JSON.parse(await get('/flow'));
    assert.deepEqual(
      [NetflowV5.UDPCount, NetflowV5.DecodedCount, NetflowV5.Workers],
      [DATAGRAMS, DATAGRAMS, 1],
    );
  } finally {
    await endProcess(child, 'SIGTERM', HANG_MS);
    await rm(folder, { recursive: true, force: true });
  }
});
