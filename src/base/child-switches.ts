/** SIGUSR1 starts no debugger: whoever runs as the same user could run code in the process. */
const NO_DEBUGGER = '--disable-sigusr1';

/** @returns switches of Node.js for a process that this one starts: its own, and none that lets a debugger in */
export function childSwitches(own: readonly string[] = process.execArgv): string[] {
  return [NO_DEBUGGER, ...own.filter((name) => name !== NO_DEBUGGER)];
}
