/** Who calls the API, and what that one may do. */

/**
 * What a caller may do, and what a call needs; each has what those before it have.
 *
 * - `viewer`: looks at rules, statistics, status and flows.
 * - `editor`: changes rules and pipelines, drains.
 * - `admin`: captures packets, takes backups and restores them.
 */
export const ROLES = ['viewer', 'editor', 'admin'] as const;

export type Role = (typeof ROLES)[number];

export interface Caller {
  /** As it stands in the log and in the history of rules. */
  readonly who: string;
  readonly role: Role;
  /** Where from: `address:port` of the client. */
  readonly from: string;
}

/** Whether a role is enough for what needs another one. */
export function includesRole(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
