/** Two nodes of a pair: what exporters tell one of them, the other decodes by. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { TemplatePeers } from '../../src/app/template-peers.ts';
import type { TemplatePeerStats } from '../../src/flow/pipeline/stats.ts';
import { startApi, type TestApi } from '../api/harness.ts';
import { waitFor } from '../lab/shell.ts';
import { freeTcpPort } from '../support/free-port.ts';
import { ipfixMessage, ipfixTemplate, set, u32 } from '../support/netflow-writer.ts';
import { PipelineLab } from './support/pipeline-lab.ts';

const OF_PACKETS: [number, number][] = [[2, 4]];
const template = (id: number) => ipfixMessage([set(2, ipfixTemplate(id, OF_PACKETS))]);
const data = (id: number, packets: number) => ipfixMessage([set(id, u32(packets))]);

/** A node with one pipeline, its API, and the nodes that it asks. */
class Node implements AsyncDisposable {
  readonly lab = new PipelineLab();
  readonly log: string[] = [];
  readonly #peers: TemplatePeers;
  #api: TestApi | undefined;

  constructor() {
    const log = pino({ base: null }, { write: (line: string) => this.log.push(line) });
    const { desk } = this.lab.supervisor;
    this.#peers = new TemplatePeers({
      leader: undefined,
      tls: undefined,
      tokenPath: undefined,
      desk,
      log,
    });
  }

  static async start({ pipelines = 1 } = {}): Promise<Node> {
    const node = new Node();
    if (pipelines > 0) await node.run();
    await node.serve();
    return node;
  }

  async run(): Promise<void> {
    await this.lab.configure(this.lab.pipeline('p'));
    await waitFor('the worker runs', () => this.lab.stats('p').state === 'running');
  }

  async serve(port = 0): Promise<void> {
    this.#api = await startApi({ port });
    this.#api.pipelines.templatePage = (start) => this.lab.supervisor.desk.page(start);
  }

  get address(): string {
    return this.#api?.address ?? '';
  }

  ask(...peers: readonly string[]): void {
    this.#peers.configure(peers);
  }

  peer(address: string): TemplatePeerStats {
    const found = this.#peers.stats().find(({ peer }) => peer === address);
    assert.ok(found !== undefined);
    return found;
  }

  hasTaken(from: string, changes: number): Promise<unknown> {
    const seen = () => JSON.stringify(this.peer(from));
    return waitFor(
      () => `${changes} changes are taken: ${seen()} ${this.log}`,
      () => this.peer(from).state === 'ok' && this.peer(from).taken === changes,
    );
  }

  /** Packets of the records that its producer got. */
  packets(): number[] {
    return this.lab.lines('p').map((line) => {
      return Number(JSON.parse(line.slice(line.indexOf('{'))).packets);
    });
  }

  has(...packets: readonly number[]): Promise<unknown> {
    return waitFor(
      () => `records of ${packets} packets: ${this.packets()}`,
      () => this.packets().join() === packets.join(),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#peers.stop();
    await this.#api?.[Symbol.asyncDispose]();
    await this.lab[Symbol.asyncDispose]();
  }
}

describe('templates of other nodes', () => {
  test('D7: an exporter that moves to another node is decoded there at once, in both directions', async () => {
    await using a = await Node.start();
    await using b = await Node.start();
    a.ask(b.address);
    b.ask(a.address);
    a.lab.sendDatagram(template(300));
    await b.hasTaken(a.address, 1);
    b.lab.sendDatagram(data(300, 7));
    await b.has(7);
    b.lab.sendDatagram(template(301));
    // What went from here to there comes back once, as no change.
    await a.hasTaken(b.address, 2);
    a.lab.sendDatagram(data(301, 8));
    await a.has(8);
    await b.hasTaken(a.address, 2);
    assert.deepEqual([b.peer(a.address).refused, a.peer(b.address).refused], [0, 0]);
  });

  test('a node that is away is tried again, and told', async () => {
    await using a = new Node();
    await a.run();
    await using b = await Node.start();
    const port = await freeTcpPort();
    const address = `127.0.0.1:${port}`;
    b.ask(address);
    await waitFor('it fails', () => b.peer(address).state === 'failing');
    assert.match(b.peer(address).error ?? '', /ECONNREFUSED/);
    assert.match(b.log.join(), /cannot be asked for templates/);
    a.lab.sendDatagram(template(300));
    await a.serve(port);
    await b.hasTaken(address, 1);
    assert.equal(b.peer(address).error, undefined);
  });

  test('a node without workers asks nobody, and says so when it is asked; one may ask itself', async () => {
    await using idle = await Node.start({ pipelines: 0 });
    await using node = await Node.start();
    idle.ask(node.address);
    node.ask(idle.address, node.address);
    await waitFor('it is told why', () =>
      /it is workers that keep templates/.test(node.peer(idle.address).error ?? ''),
    );
    assert.equal(idle.peer(node.address).state, 'waiting');
    node.lab.sendDatagram(template(300));
    await node.hasTaken(node.address, 1);
    node.lab.sendDatagram(data(300, 7));
    await node.has(7);
    await idle.run();
    await idle.hasTaken(node.address, 1);
  });
});
