/**
 * `npm run demo:ha`: the scenarios one after the other, with what they found. Arguments choose those whose title
 * has one of them in it: `npm run demo:ha -- upgrade drain`.
 */
import { HaLab } from './ha-lab.ts';
import { readCutSeconds, type Scenario, scenarios } from './scenarios.ts';
import { EXPORTERS, PACKETS_PER_SECOND } from './traffic.ts';
import type { Figures } from './trouble.ts';

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function describe(figures: Figures): string {
  const { sent, lost, late, took, routeGoneMs, routeBackMs, longestMs, notes } = figures;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  return [
    `${lost} of ${sent} packets lost`,
    ...(late > 0 ? [`${late} late`] : []),
    ...(took === undefined ? [] : [`took ${seconds(took.ms)} of ${seconds(took.limitMs)}`]),
    ...(routeGoneMs === undefined ? [] : [`route gone after ${seconds(routeGoneMs)}`]),
    ...(routeBackMs === undefined ? [] : [`back ${seconds(routeBackMs)} after the end`]),
    `slowest packet ${longestMs.toFixed(0)} ms`,
    ...(notes === undefined ? [] : [notes]),
  ].join('; ');
}

function chooseScenarios(words: readonly string[]): readonly Scenario[] {
  const all = scenarios(readCutSeconds(process.env));
  if (words.length === 0) return all;
  const chosen = all.filter(({ title }) => words.some((word) => title.includes(word)));
  if (chosen.length > 0) return chosen;
  throw new Error(`no scenario has ${words.join(' or ')} in its title`);
}

async function demonstrate(): Promise<number> {
  const chosen = chooseScenarios(process.argv.slice(2));
  print(
    `A lab of ${EXPORTERS} exporters with ${PACKETS_PER_SECOND} packets/s in all, a router (bird: BGP, BFD, ECMP), two nodes (gobgpd, floxy), and a collector that counts.`,
  );
  await using lab = await HaLab.start();
  let failures = 0;
  for (const { title, promise, run } of chosen) {
    print(`\n${title}\n  promised: ${promise}`);
    try {
      const found = await run(lab);
      print(`  measured: ${describe(found)}`);
      const { ms = 0, limitMs = 0 } = found.took ?? {};
      if (ms > limitMs) throw new Error('it took too long');
    } catch (error) {
      failures++;
      print(`  FAILED: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await lab.traffic.assertUndamaged();
  print(failures === 0 ? '\nAll promises were kept.' : `\n${failures} promises were broken.`);
  return failures === 0 ? 0 : 1;
}

process.exitCode = await demonstrate();
