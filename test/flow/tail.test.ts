/** People who look at flows, while workers write them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TailWish } from '../../src/flow/pipeline/tail/taps.ts';
import { waitFor } from '../lab/shell.ts';
import { PipelineLab } from './support/pipeline-lab.ts';

const ALL: TailWish = {
  pipelines: [],
  exporters: [],
  addresses: [],
  ports: [],
  protocols: [],
  recordsPerSecond: 20,
};

for (const format of ['json', 'vflow']) {
  test(`D6: whoever looks at a pipeline of format ${format} sees records, and takes none`, async () => {
    await using lab = new PipelineLab();
    await lab.configure(lab.pipeline('a', `, format: ${format}`));
    const seen: string[] = [];
    let skipped = 0;
    const end = lab.supervisor.taps.tail(ALL, (pipeline, found) => {
      assert.equal(pipeline, 'a');
      seen.push(...found.records);
      skipped += found.skipped;
    });
    await waitFor('records to be seen', () => {
      lab.send(100, 4);
      return seen.length >= 40 && skipped > 0;
    });
    for (const record of seen) {
      const { type, sampler_address } = JSON.parse(record);
      assert.equal(type, 'SFLOW_5');
      assert.match(sampler_address, /^[\d.]+$/);
    }
    end();
    await waitFor('all to be delivered', () => {
      const { total } = lab.stats('a');
      return total.ring.lag === 0 && total.producer.delivered === lab.sent;
    });
    const before = seen.length;
    lab.send(100, 4);
    await waitFor('what nobody looks at to be delivered', () => {
      return lab.stats('a').total.producer.delivered === lab.sent;
    });
    assert.equal(seen.length, before);
  });
}

test('a worker that dies is looked at again when it is replaced', async () => {
  await using lab = new PipelineLab();
  await lab.configure(lab.pipeline('a'));
  let seen = 0;
  const end = lab.supervisor.taps.tail(ALL, (_, { records }) => {
    seen += records.length;
  });
  const look = async () => {
    const before = seen;
    await waitFor('records to be seen', () => {
      lab.send(10, 1);
      return seen > before;
    });
  };
  await look();
  const { pid } = lab.stats('a').workers[0] ?? {};
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  await waitFor('another process', () => {
    const now = lab.stats('a').workers[0]?.pid;
    return now !== undefined && now !== pid;
  });
  await look();
  end();
});
