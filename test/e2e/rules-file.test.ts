/** The real service with its rules in a file, changed as tools and people change files, under traffic. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type ApiFailure, GRPC } from '../lab/api.ts';
import { makeFolder } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

const FROM = { host: '203.0.113.1', port: 5000 };

/** Everything goes to a port of the collector. */
const toPort = (port: number) =>
  `default_outputs {collectors {endpoint {host: "198.51.100.1" port: ${port}}}}\n`;

/** A stage whose service has its rules in a file, in a folder that goes with it. */
class FileStage implements AsyncDisposable {
  readonly folder = makeFolder('rules');
  readonly file = join(this.folder, 'rules.txtpb');
  stage!: Stage;

  static async start(prepare: (subject: FileStage) => void, state = 'OK'): Promise<FileStage> {
    const subject = new FileStage();
    prepare(subject);
    const settings = { COLLECTOR_FLOXY_RULES_FILE: subject.file };
    subject.stage = await Stage.start({ settings, folder: subject.folder, state });
    return subject;
  }

  /** The port of the collector that a packet reaches; none: it reached nobody. */
  async port(): Promise<number | undefined> {
    const arrived = await this.stage.exchange([{ from: FROM, payload: Buffer.from('x') }]);
    return arrived[0]?.destinationPort;
  }

  /** Waits until packets go there. */
  async reaches(port: number): Promise<void> {
    await waitFor(
      () => `packets go to port ${port}:\n${this.stage.service.log}`,
      async () => (await this.port()) === port,
    );
  }

  async error(): Promise<string> {
    return (await this.stage.api.status()).proxy.error ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage?.[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('the file of rules', { skip: requireRoot() }, () => {
  test('A44: is followed through renames, swapped links, writes in place, and SIGHUP', async () => {
    await using subject = await FileStage.start(({ file, folder }) => {
      mkdirSync(join(folder, '..1'));
      writeFileSync(join(folder, '..1', 'rules.txtpb'), toPort(1001));
      symlinkSync('..1', join(folder, '..data'));
      symlinkSync('..data/rules.txtpb', file);
    });
    const { folder, file, stage } = subject;
    assert.equal(await subject.port(), 1001);
    mkdirSync(join(folder, '..2'));
    writeFileSync(join(folder, '..2', 'rules.txtpb'), toPort(1002));
    symlinkSync('..2', join(folder, 'swap'));
    renameSync(join(folder, 'swap'), join(folder, '..data'));
    await subject.reaches(1002);
    writeFileSync(join(folder, 'new'), toPort(1003));
    renameSync(join(folder, 'new'), file);
    await subject.reaches(1003);
    writeFileSync(file, toPort(1004));
    await subject.reaches(1004);
    writeFileSync(file, toPort(1005));
    process.kill(stage.service.pid, 'SIGHUP');
    await subject.reaches(1005);
    assert.match(stage.service.log, /"call":"RulesFile".*"msg":"rules changed"/);
  });

  test('A44: that is wrong, empty or gone changes nothing, is told, and the last good rules survive a restart without it', async () => {
    await using subject = await FileStage.start(({ file }) => writeFileSync(file, toPort(1001)));
    const { file, folder, stage } = subject;
    const wrong: readonly [() => void, RegExp][] = [
      [
        () => writeFileSync(file, `${toPort(1002)}rules {`),
        /rules\.txtpb:2:7: this Rule does not end/,
      ],
      [() => writeFileSync(file, ''), /neither rules nor default outputs/],
      [() => rmSync(file), /cannot be read: ENOENT/],
    ];
    for (const [spoil, problem] of wrong) {
      spoil();
      await waitFor('it is told', async () => problem.test(await subject.error()));
      assert.match(await subject.error(), /the rules of revision 1 stay in force$/);
      assert.match(stage.service.log, problem);
      assert.equal(await subject.port(), 1001);
    }
    await assert.rejects(stage.api.replace({ rules: [] }), (failure: ApiFailure) => {
      assert.equal(failure.code, GRPC.FAILED_PRECONDITION);
      assert.match(failure.message, new RegExp(`are those of ${file} .*change them there`));
      return true;
    });
    await stage.service.stop();
    await using again = await Stage.start({
      settings: { COLLECTOR_FLOXY_RULES_FILE: file },
      folder,
    });
    const arrived = await again.exchange([{ from: FROM, payload: Buffer.from('x') }]);
    assert.equal(arrived[0]?.destinationPort, 1001);
    writeFileSync(file, toPort(1006));
    const isNew = async () => !(await again.api.status()).proxy.error;
    await waitFor('the file is found', isNew, HANG_MS);
    const [copy] = await again.exchange([{ from: FROM, payload: Buffer.from('y') }]);
    assert.equal(copy?.destinationPort, 1006);
  });

  test('A44: may have 100,000 rules', async () => {
    const count = 100_000;
    const host = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    const rules = Array.from(
      { length: count },
      (_, i) => `rules {exporter {endpoint {host: "${host(i)}"}}}\n`,
    );
    await using subject = await FileStage.start(({ file }) =>
      writeFileSync(file, rules.join('') + toPort(1001)),
    );
    const { stage, file } = subject;
    assert.equal(await subject.port(), 1001);
    rules[99_999] = 'rules {exporter {endpoint {host: "10.300.0.0"}}}\n';
    writeFileSync(file, rules.join('') + toPort(1002));
    const place = /rules\.txtpb:100000:34: rules\[99999\]/;
    await waitFor('it is told', async () => place.test(await subject.error()));
    rules[99_999] = '';
    writeFileSync(file, rules.join('') + toPort(1002));
    await subject.reaches(1002);
    assert.match(stage.service.log, /"added":0,"removed":1,"changed":0,"defaultOutputs":"changed"/);
  });
});
