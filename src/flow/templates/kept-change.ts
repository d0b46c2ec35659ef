/** What is kept of exporters, one change at a time: as processes and nodes tell it to each other. */
export interface ChangeBase {
  /** Its place in the order of changes of one database; only there it means something. */
  readonly change: number;
  /** Address of the exporter: 16 octets, IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** When it was last heard of: milliseconds of the Unix epoch. Of two changes to one thing the later holds. */
  readonly seenMs: number;
  /** Of an exporter that has sent for a while: strangers cannot push it out. */
  readonly trusted: boolean;
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

/** What another node has told, or is to be written: the number is for the database to give. */
export type SharedChange = Omit<TemplateChange, 'change'> | Omit<OptionChange, 'change'>;

/** Some changes of one database, in their order. */
export interface TemplatePage {
  /** Tells the database from others: what was read of one that is gone says nothing of the next. */
  readonly epoch: string;
  readonly changes: readonly SharedChange[];
  /** Where the next page begins. */
  readonly next: number;
  /** Whether there is more already. */
  readonly hasMore: boolean;
}

/** Where a page begins. @see TemplatePage */
export interface PageStart {
  readonly epoch: string;
  /** 0 = at the beginning. */
  readonly since: number;
}
