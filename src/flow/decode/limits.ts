/** What decoders keep of what the network sends: bounds for an honest exporter, and for a million that are not. */
export interface DecodeLimits {
  /** Sessions that have sent for a while. */
  readonly sessions: number;
  /** Sessions that have not: the oldest of them go first. */
  readonly newcomers: number;
  /** New sessions a second, and at once. */
  readonly newSessionsPerSecond: number;
  readonly newSessionsBurst: number;
  /** A session that has been silent for so long may be forgotten when there is no room: milliseconds. */
  readonly idleMs: number;
  readonly templatesPerSession: number;
  readonly fieldsPerTemplate: number;
  /** Fields of all templates of all sessions; newcomers may have a quarter of them. */
  readonly fields: number;
  /** New templates of one exporter a second, and at once. */
  readonly newTemplatesPerSecond: number;
  readonly newTemplatesBurst: number;
  /** Octets of sets that wait for their template: of one domain of an exporter, and of all; newcomers have half. */
  readonly pendingBytesPerDomain: number;
  readonly pendingBytes: number;
  /** A set that has waited so long is given up: milliseconds. */
  readonly pendingMs: number;
}

export const DECODE_LIMITS: DecodeLimits = {
  sessions: 16_384,
  newcomers: 4096,
  newSessionsPerSecond: 2000,
  newSessionsBurst: 16_384,
  idleMs: 600_000,
  templatesPerSession: 4096,
  fieldsPerTemplate: 1024,
  fields: 1_000_000,
  newTemplatesPerSecond: 1000,
  newTemplatesBurst: 8192,
  pendingBytesPerDomain: 256 * 1024,
  pendingBytes: 32 * 1024 * 1024,
  pendingMs: 1_800_000,
};
