import { readFileSync } from 'node:fs';

/** The modules that the kernel has loaded, one in a line, its name first (proc(5)); none where it has no modules. */
export function loadedModules(): string {
  try {
    return readFileSync('/proc/modules', 'latin1');
  } catch {
    return '';
  }
}
