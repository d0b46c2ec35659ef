/**
 * How V8 keeps the memory of workers small: decoding makes hardly any garbage, so a small young generation costs nothing,
 * and the default one would hold 60 MB. They come behind those of the service, and so count more.
 */
export const MEMORY_SWITCHES: readonly string[] = ['--max-semi-space-size=4'];
