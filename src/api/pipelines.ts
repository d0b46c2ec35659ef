import type { Logger } from 'pino';
import type { PageStart, TemplatePage } from '../flow/templates/kept-change.ts';
import type { TemplateChangesRequestMessage } from '../protocol/template-messages.ts';
import type { Entries } from './services.ts';
import { SMALL } from './services.ts';
import { fromTemplatePage, toPageStart } from './template-changes.ts';

/** What the API needs of the pipelines of this node. Failures are FloxyErrors. */
export interface PipelineControl {
  /** The document in force, and the file that owns it; undefined = the API does. */
  readonly document: { readonly text: string; readonly file: string | undefined };
  /** Names of the pipelines in it. */
  readonly names: ReadonlySet<string>;
  /** INVALID_INPUT when another one could not be put in force. */
  check(text: string): Promise<void>;
  /** Puts another one in force, wholly or not at all, and keeps it. */
  replace(text: string): Promise<void>;
  /** Some of what exporters have told, for other nodes. */
  templatePage(start: PageStart): Promise<TemplatePage>;
}

const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** The handlers of collector.proto.Pipelines. */
export function pipelinesEntries({
  pipelines,
  log,
}: {
  readonly pipelines: PipelineControl;
  readonly log: Logger;
}): Entries {
  return {
    GetPipelines: {
      role: 'viewer',
      limits: SMALL,
      handler: () => {
        const { text, file } = pipelines.document;
        return { parts: [{ document: text, ...(file === undefined ? {} : { file }) }] };
      },
    },
    ReplacePipelines: {
      role: 'editor',
      limits: { maxBytes: MAX_DOCUMENT_BYTES, maxItems: 0 },
      handler: async ({ document = '' }: { readonly document?: string }, { caller }) => {
        await pipelines.replace(document);
        log.info(
          { call: 'ReplacePipelines', who: caller.who, from: caller.from },
          'pipelines changed',
        );
        return { parts: [{}] };
      },
    },
    ListTemplateChanges: {
      role: 'viewer',
      limits: SMALL,
      handler: async (request: TemplateChangesRequestMessage) => {
        return { parts: [fromTemplatePage(await pipelines.templatePage(toPageStart(request)))] };
      },
    },
  };
}
