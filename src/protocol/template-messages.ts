/** The messages of Pipelines.ListTemplateChanges, as messages.ts shows those of other files. */

export interface TemplateChangesRequestMessage {
  readonly epoch?: string;
  /** Decimal. */
  readonly since?: string;
}

export interface TemplateChangeMessage {
  readonly address?: Uint8Array;
  readonly seenMs?: string;
  readonly trusted?: boolean;
  readonly template?: ExporterTemplateMessage;
  readonly samplingRate?: { readonly sampler?: number; readonly rate?: number };
  readonly interfaceName?: { readonly index?: number; readonly name?: string };
}

export interface ExporterTemplateMessage {
  readonly port?: number;
  readonly version?: number;
  readonly domain?: number;
  readonly id?: number;
  readonly options?: boolean;
  readonly record?: Uint8Array;
}

export interface TemplateChangesMessage {
  readonly epoch?: string;
  readonly next?: string;
  readonly hasMore?: boolean;
  readonly changes?: readonly TemplateChangeMessage[];
}
