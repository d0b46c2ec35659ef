import { readFileSync } from 'node:fs';
import { loadedModules } from './loaded-modules.ts';

/** Names of the tables of this network namespace, one in a line. Only root may read them. */
const FILES = ['/proc/net/ip_tables_names', '/proc/net/ip6_tables_names'];

/** Of iptables-legacy: what has these files, and what brings tables. */
const CORE = /^ip6?_tables /m;
const TABLES = /^ip6?table_(filter|nat|mangle|raw|security) /m;

/** What iptables-legacy may do with output; undefined when it does nothing. To list its rules would need CAP_NET_ADMIN. */
export function legacyObstacle(): string | undefined {
  const tables = new Set<string>();
  let isReadable = true;
  for (const file of FILES) {
    const text = readNames(file);
    if (text === undefined) isReadable = false;
    else for (const name of text.split('\n').filter(Boolean)) tables.add(name);
  }
  if (tables.size > 0) return `iptables-legacy has tables (${[...tables].join(', ')})`;
  return isReadable ? undefined : unreadable(loadedModules());
}

/** @returns undefined when it may not be read */
function readNames(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? '' : undefined;
  }
}

/** When its core is a module, so is what brings tables. */
function unreadable(modules: string): string | undefined {
  if (CORE.test(modules) && !TABLES.test(modules)) return undefined;
  return 'whether iptables-legacy has tables is not known: only root may ask';
}
