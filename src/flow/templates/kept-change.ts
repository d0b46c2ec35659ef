/** What is kept of exporters, one change at a time: as processes and nodes tell it to each other. */
export interface ChangeBase {
  /** Its place in the order of changes of one database; only there it means something. */
  readonly change: number;
  /** Address of the exporter: 16 octets, IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** When it was last heard of: milliseconds of the Unix epoch. Of two changes to one thing the later holds. */
  readonly seenMs: number;
}

/** A template of a session. */
export interface TemplateChange extends ChangeBase {
  readonly what: 'template';
  readonly port: number;
  readonly version: 9 | 10;
  readonly domain: number;
  readonly templateId: number;
  readonly kind: 'data' | 'options';
  /** The template record from its id on; empty when it was withdrawn. */
  readonly record: Uint8Array;
}

/** The rate of a sampler, or the name of an interface. */
export interface OptionChange extends ChangeBase {
  readonly what: 'rate' | 'interface';
  /** Sampler id, or interface index. */
  readonly key: number;
  /** One in so many packets, in decimal digits, or the name. */
  readonly value: string;
}

export type KeptChange = TemplateChange | OptionChange;
