/**
 * How V8 keeps the memory of workers small: decoding makes hardly any garbage, so a small young generation costs nothing,
 * and the default one would hold 60 MB. Switches that were given to the service come later and count more.
 */
export const MEMORY_SWITCHES: readonly string[] = ['--max-semi-space-size=4'];
