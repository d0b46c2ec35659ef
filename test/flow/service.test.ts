import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { proxyFor, type Shot, Stage } from '../lab/stage.ts';
import { UdpSockets } from '../lab/traffic.ts';
import { netflow5 } from './support/netflow5.ts';

/** Files of a pipeline, which its workers write as a user of their own. */
class Kept implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'floxy-service-pipelines-'));
  readonly file = path.join(this.folder, 'pipelines.yaml');
  readonly #out = path.join(this.folder, 'out');

  constructor(...names: readonly string[]) {
    mkdirSync(this.#out);
    for (const folder of [this.folder, this.#out]) chmodSync(folder, 0o777);
    const pipelines = names.map(
      (name) =>
        `  - {name: ${name}, producer: {kind: file, path: '${this.#out}/${name}-{time}.json', rotate_every: 1s}}\n`,
    );
    writeFileSync(this.file, `pipelines:\n${pipelines.join('')}`);
  }

  get settings() {
    return {
      COLLECTOR_PIPELINES_FILE: this.file,
      COLLECTOR_PIPELINES_DIRECTORY: path.join(this.folder, 'kept'),
    };
  }

  /** Numbers of the records that a pipeline has written, in their order. */
  numbers(name: string): number[] {
    const files = readdirSync(this.#out).filter((file) => file.startsWith(`${name}-`));
    const lines = files.sort().flatMap((file) => {
      return readFileSync(path.join(this.#out, file), 'utf8').split('\n').slice(0, -1);
    });
    return lines.map((line) => Number((JSON.parse(line) as { packets: number }).packets));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const EXPORTER = { host: '203.0.113.1', port: 5000 };

function shots(from: number, count: number): Shot[] {
  return Array.from({ length: count }, (_, i) => ({
    from: EXPORTER,
    payload: netflow5(1, from + i),
  }));
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

describe('pipelines of the service', { skip: requireRoot() }, () => {
  test('R17: packets go to collectors and to the pipelines that their rules name', async () => {
    await using kept = new Kept('named', 'default', 'unused');
    await using stage = await Stage.start({ settings: kept.settings });
    await stage.service.api.call('Settings', 'ReplaceProxyRules', {
      rules: [
        {
          exporter: { endpoint: { host: EXPORTER.host } },
          outputs: [
            { collectors: [{ endpoint: { host: '198.51.100.1' } }] },
            { pipeline: 'named' },
          ],
        },
      ],
      default_outputs: [{ pipeline: 'default' }, { pipeline: 'missing' }],
    });
    const arrived = await stage.exchange(shots(1, 50));
    assert.equal(arrived.length, 50);
    await stage.exchange([{ from: { host: '203.0.113.2', port: 1 }, payload: netflow5(2, 7) }]);
    await waitFor(
      () => `named has all: ${kept.numbers('named')} ${stage.service.log}`,
      () => kept.numbers('named').length === 50,
    );
    await waitFor('default has its own', () => kept.numbers('default').length === 1);
    assert.deepEqual(kept.numbers('named'), range(1, 50));
    assert.deepEqual(kept.numbers('default'), [7]);
  });

  test('control dies, or is replaced: workers go on where those before have been', async () => {
    await using kept = new Kept('a');
    await using lab = await Lab.create();
    const folder = path.join(kept.folder, 'database');
    mkdirSync(folder);
    await using exporters = await UdpSockets.start(lab.exporters);
    const options = { settings: kept.settings, folder };
    let sent = 0;
    const send = async (count: number) => {
      const to = proxyFor(EXPORTER.host);
      await exporters.send(shots(sent + 1, count).map((shot) => ({ ...shot, to })));
      sent += count;
    };
    const hasAll = (what: string, log: () => string) =>
      waitFor(
        () => `${what}: ${kept.numbers('a').length} of ${sent} ${log()}`,
        () => kept.numbers('a').length === sent,
      );
    {
      await using first = await Service.start(lab, options);
      const message = { default_outputs: [{ pipeline: 'a' }] };
      await first.api.call('Settings', 'ReplaceProxyRules', message);
      await send(200);
      await hasAll('the first has all', () => first.log);
      await first.killControl();
      // Forwarders go on, and nobody decodes.
      await send(200);
    }
    await using second = await Service.start(lab, options);
    await send(200);
    await hasAll('the second has all', () => second.log);
    assert.deepEqual(kept.numbers('a'), range(1, sent));
  });
});
