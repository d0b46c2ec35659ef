/** Routing daemons other than gobgpd, with the configurations of deploy/ha. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Lab, makeFolder } from '../lab/lab.ts';
import { Program } from '../lab/program.ts';
import { floxy } from '../lab/service.ts';
import { readConfiguration } from './bgp-lab.ts';

/** A running daemon and its folder. */
class WithFolder implements AsyncDisposable {
  readonly #daemons: readonly Program[];
  readonly #folder: string;

  constructor(daemons: readonly Program[], folder: string) {
    this.#daemons = daemons;
    this.#folder = folder;
  }

  /** What all its processes have said. */
  get log(): string {
    return this.#daemons.map(({ log }) => log).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // exabgp's children end with it only when it is asked to.
    for (const daemon of this.#daemons.toReversed()) await daemon.end('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export type RoutingDaemon = AsyncDisposable & { readonly log: string };

export function startBird(lab: Lab): RoutingDaemon {
  const folder = makeFolder('bird');
  const file = join(folder, 'bird.conf');
  writeFileSync(file, readConfiguration('bird.conf').replace('log syslog all', 'log stderr all'));
  const command = ['bird', '-f', '-c', file, '-s', join(folder, 'bird.ctl')];
  return new WithFolder([new Program(lab.proxy, command)], folder);
}

/** zebra and bgpd without FRR's own supervisor, which wants the whole machine. */
export function startFrr(lab: Lab): RoutingDaemon {
  const folder = makeFolder('frr');
  const file = join(folder, 'frr.conf');
  writeFileSync(file, readConfiguration('frr.conf').replace('log syslog', 'log stdout'));
  mkdirSync(join(folder, 'vty'));
  // They become the user frr, as in the package.
  for (const path of [folder, join(folder, 'vty')]) chmodSync(path, 0o777);
  const start = (name: string, ...options: readonly string[]) =>
    new Program(lab.proxy, [
      `/usr/lib/frr/${name}`,
      ...['-f', file, '-i', join(folder, `${name}.pid`)],
      ...['-z', join(folder, 'zserv.api'), '--vty_socket', join(folder, 'vty'), ...options],
    ]);
  return new WithFolder([start('zebra'), start('bgpd')], folder);
}

export function startExabgp(lab: Lab): RoutingDaemon {
  const folder = makeFolder('exabgp');
  const file = join(folder, 'exabgp.conf');
  const text = readConfiguration('exabgp.conf')
    .replaceAll('/usr/bin/floxy', floxy)
    // A machine that is busy with other tests takes its time to start a process.
    .replace('health --timeout 1', 'health --timeout 10')
    .replace('--timeout 5', '--timeout 15');
  writeFileSync(file, text);
  const env = {
    'exabgp.api.cli': 'false',
    'exabgp.daemon.user': 'root',
    'exabgp.log.destination': 'stderr',
  };
  return new WithFolder([new Program(lab.proxy, ['exabgp', file], { env })], folder);
}
