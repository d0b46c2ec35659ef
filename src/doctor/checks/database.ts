/** The file that keeps the rules: room, rights, and whether the service has that file open. */
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Found, fail, ok, skip, warn } from '../finding.ts';
import { readFolder, readLink, readText, runProgram } from '../host.ts';
import type { Subject } from '../subject.ts';

const STAT_LIMIT_MS = 3000;
const MIB = 1024 * 1024;
const WARN_BYTES = 256 * MIB;
/** What a large change of rules can need, twice. */
const FAIL_BYTES = 32 * MIB;

export async function lookAtDatabase(subject: Subject): Promise<Found[]> {
  const { config } = subject.settings;
  if (config === undefined) return [skip('the settings cannot be used')];
  const { databasePath } = config;
  const room = await lookAtRoom(dirname(databasePath));
  if (room.some(({ level }) => level !== 'OK')) return room;
  const found = [
    ...room,
    ...(await lookAtRights(databasePath, subject)),
    ...(await lookAtOpenFile(databasePath, subject)),
  ];
  const problems = found.filter(({ level }) => level !== 'OK');
  return problems.length > 0
    ? problems
    : [ok(`${databasePath}: ${found.map(({ what }) => what).join(', ')}`)];
}

/** By a program: a disk of the network that does not answer would hold this one up for ever. */
async function lookAtRoom(folder: string): Promise<Found[]> {
  const command = ['stat', '-f', '-c', '%a %S %c %d', folder];
  const { output, problem } = await runProgram(command, STAT_LIMIT_MS);
  // Then it would be made in the one above.
  if (problem?.includes('No such file') && folder !== '/') return lookAtRoom(dirname(folder));
  if (problem !== undefined) {
    return [warn(problem, 'does a disk of the network not answer? `mount` shows whose it is')];
  }
  const [blocks = 0, blockBytes = 0, inodes = 0, freeInodes = 0] = output
    .trim()
    .split(' ')
    .map(Number);
  const free = blocks * blockBytes;
  const what = `${Math.floor(free / MIB)} MiB free`;
  const advice = 'make room: rules cannot be changed on a full disk';
  if (free < FAIL_BYTES) return [fail(`${folder}: ${what}`, advice)];
  if (free < WARN_BYTES) return [warn(`${folder}: ${what}`, advice)];
  if (inodes > 0 && freeInodes === 0) return [fail(`${folder}: no inode is free`, advice)];
  return [ok(what)];
}

async function lookAtRights(file: string, { service, settings }: Subject): Promise<Found[]> {
  const database = await stat(file).catch(() => undefined);
  if (database === undefined)
    return [
      service === undefined
        ? ok('not there yet')
        : skip(`${file} (${settings.from}) is not to be seen`),
    ];
  // What the service may is told by its state; this user would start it otherwise.
  if (service !== undefined) return [];
  for (const path of [file, dirname(file)]) {
    if (
      await access(path, constants.W_OK).then(
        () => true,
        () => false,
      )
    )
      continue;
    return [
      warn(`${path} cannot be written by this user`, 'start the service as its owner: `ls -l`'),
    ];
  }
  return lookAtLocks(database.ino);
}

/** Nobody but the service has the file locked (proc_locks(5)). */
function lookAtLocks(inode: number): Found[] {
  const lines = readText('/proc/locks')?.split('\n') ?? [];
  const lock = lines.find((line) => line.includes(`:${inode} `));
  const pid = /(?:READ|WRITE)\s+(\d+)/.exec(lock ?? '')?.[1];
  if (pid === undefined) return [ok('not locked')];
  return [
    fail(
      `process ${pid} has the database locked`,
      `\`ps ${pid}\`: a service that runs already, a shell of sqlite3, or a backup`,
    ),
  ];
}

/** Changes go to the file that is open; the next start reads the one at the path. */
async function lookAtOpenFile(file: string, { service }: Subject): Promise<Found[]> {
  if (service?.pid === undefined) return [];
  const folder = `/proc/${service.pid}/fd`;
  const open = readFolder(folder).filter((fd) => {
    const target = readLink(`${folder}/${fd}`) ?? '';
    return target === file || target === `${file} (deleted)`;
  });
  if (open.length === 0) return [];
  const path = await stat(file).catch(() => undefined);
  for (const fd of open) {
    const opened = await stat(`${folder}/${fd}`).catch(() => undefined);
    if (opened === undefined || (opened.ino === path?.ino && opened.dev === path.dev)) continue;
    return [
      fail(
        `the service has another file open than the one at ${file}: it was moved, removed or replaced`,
        '`floxy rules list > rules.txtpb`, then `floxy rules replace rules.txtpb` writes the rules in force to a new file: docs/changing-rules.md, "Backup"',
      ),
    ];
  }
  return [ok('open in the service')];
}
