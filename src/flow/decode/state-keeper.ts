import type { AddressWords, Session } from './session.ts';
import type { Template } from './template.ts';

/** A template as it is kept: its record, and what kind it was. */
export interface KeptTemplate {
  readonly kind: Template['kind'];
  /** The template record from its id on. */
  readonly raw: Uint8Array;
}

/** What options have said of an exporter. */
export interface KeptOptions {
  readonly rates: readonly { samplerId: number; rate: number }[];
  readonly interfaces: readonly { index: number; name: string }[];
}

/**
 * Keeps what was learnt of exporters beyond the life of a worker (src/flow/templates). Nothing of it waits for a disk,
 * but `find…`, which are asked rarely: once for a missing template in a while, once for a new exporter. What is still
 * in use is told again once a day.
 */
export interface StateKeeper {
  templateLearnt(session: Session, template: Template): void;
  templateWithdrawn(session: Session, template: Template): void;
  /** The template of a session, else the newest of the same address, version and domain from another port. */
  findTemplate(session: Session, templateId: number): KeptTemplate | undefined;
  rateLearnt(session: Session, samplerId: number, rate: number): void;
  interfaceLearnt(session: Session, index: number, name: string): void;
  findOptions(address: AddressWords): KeptOptions | undefined;
}
