import type { ContestantName } from '../scenarios.ts';
import { isInstalled, run } from '../shell.ts';
import { bare } from './bare.ts';
import type { Contestant } from './contestant.ts';
import { dgram } from './dgram.ts';
import { floxy, kernel, raw } from './floxy.ts';
import { limit } from './limit.ts';
import { nftables } from './nftables.ts';
import { pmacct } from './pmacct.ts';

export const CONTESTANTS: Readonly<Record<ContestantName, Contestant>> = {
  floxy,
  raw,
  kernel,
  pmacct,
  nftables,
  limit,
  bare,
  dgram,
};

/**
 * Installs a contestant's Debian package when it is missing.
 *
 * @returns why the contestant cannot take part, or undefined
 */
export async function prepareContestant(contestant: Contestant): Promise<string | undefined> {
  const { debianPackage } = contestant;
  if (debianPackage === undefined || (await isInstalled(debianPackage.command))) return undefined;
  try {
    await run('apt-get', ['install', '-y', '--no-install-recommends', debianPackage.name]);
  } catch {
    return `not installed: apt-get install ${debianPackage.name}`;
  }
  return undefined;
}
