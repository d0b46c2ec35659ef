import { closeSync, existsSync, openSync, writeSync } from 'node:fs';

/** Whoever has it open says by a number of 32 bits how many microseconds a core may take to wake. */
const WAKING_TIME = '/dev/cpu_dma_latency';

/**
 * Has idle cores wait for work instead of sleeping, until disposed of: what it takes to wake them, tens of
 * microseconds in a virtual machine, is not the work of whoever forwards. See the kernel's
 * Documentation/power/pm_qos_interface.rst. Does nothing where the kernel has no such file.
 */
export function keepAwake(): Disposable {
  if (!existsSync(WAKING_TIME)) return { [Symbol.dispose]: () => undefined };
  const file = openSync(WAKING_TIME, 'w');
  writeSync(file, new Uint8Array(4));
  return { [Symbol.dispose]: () => closeSync(file) };
}
