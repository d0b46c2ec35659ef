/** Looks at the service and at the host around it, and says what is wrong and what to do. Changes nothing. */
import { messageOf } from '../base/errors.ts';
import { lookAtApi } from './checks/api.ts';
import { lookAtBuffers } from './checks/buffers.ts';
import { lookAtCollectors } from './checks/collectors.ts';
import { lookAtConntrack } from './checks/conntrack.ts';
import { lookAtDatabase } from './checks/database.ts';
import { lookAtEngine } from './checks/engine.ts';
import { lookAtFirewall } from './checks/firewall.ts';
import { lookAtFrames } from './checks/frames.ts';
import { lookAtLoops } from './checks/loops.ts';
import { lookAtLosses } from './checks/losses.ts';
import { lookAtNat } from './checks/nat.ts';
import { lookAtFlowPort, lookAtMetricsPort } from './checks/ports.ts';
import { lookAtRights } from './checks/rights.ts';
import { lookAtReversePathFilter } from './checks/rp-filter.ts';
import { lookAtService } from './checks/service.ts';
import { lookAtSettings } from './checks/settings.ts';
import { lookAtTime } from './checks/time.ts';
import { lookAtVersion } from './checks/version.ts';
import { type Finding, type Found, skip } from './finding.ts';
import type { Subject } from './subject.ts';

type Look = (subject: Subject) => readonly Found[] | Promise<readonly Found[]>;

/** By name, in the order in which they are shown. */
const LOOKS = {
  service: lookAtService,
  version: lookAtVersion,
  settings: lookAtSettings,
  rights: lookAtRights,
  port: lookAtFlowPort,
  buffers: lookAtBuffers,
  losses: lookAtLosses,
  'rp-filter': lookAtReversePathFilter,
  conntrack: lookAtConntrack,
  firewall: lookAtFirewall,
  nat: lookAtNat,
  engine: lookAtEngine,
  frames: lookAtFrames,
  collectors: lookAtCollectors,
  loops: lookAtLoops,
  time: lookAtTime,
  api: lookAtApi,
  metrics: lookAtMetricsPort,
  database: lookAtDatabase,
} as const satisfies Readonly<Record<string, Look>>;

export type CheckName = keyof typeof LOOKS;

export const CHECKS = Object.keys(LOOKS) as readonly CheckName[];

/** No check waits longer: a disk of the network that does not answer, a program that hangs. */
const LIMIT_MS = 5000;

/** @param skipped checks that are left out */
export async function examine(
  subject: Subject,
  skipped: readonly CheckName[] = [],
): Promise<Finding[]> {
  const wanted = CHECKS.filter((name) => !skipped.includes(name));
  const found = await Promise.all(wanted.map((name) => look(name, subject)));
  return found.flat();
}

async function look(check: CheckName, subject: Subject): Promise<Finding[]> {
  const late = Promise.withResolvers<readonly Found[]>();
  const timer = setTimeout(
    () => late.resolve([skip(`it took longer than ${LIMIT_MS / 1000} s`)]),
    LIMIT_MS,
  );
  try {
    const found = await Promise.race([
      Promise.resolve(subject).then(LOOKS[check] as Look),
      late.promise,
    ]);
    return found.map((finding) => ({ check, ...finding }));
  } catch (error) {
    return [{ check, ...skip(`it could not be looked at: ${messageOf(error)}`) }];
  } finally {
    clearTimeout(timer);
  }
}
