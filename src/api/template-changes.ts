import { FloxyError } from '../base/errors.ts';
import type { PageStart, SharedChange, TemplatePage } from '../flow/templates/kept-change.ts';
import type {
  TemplateChangeMessage,
  TemplateChangesMessage,
  TemplateChangesRequestMessage,
} from '../protocol/template-messages.ts';

/** @throws FloxyError INVALID_INPUT */
export function toPageStart({ epoch = '', since = '0' }: TemplateChangesRequestMessage): PageStart {
  const place = Number(since);
  if (!Number.isSafeInteger(place)) {
    throw new FloxyError('INVALID_INPUT', 'since: must be `next` of an answer');
  }
  return { epoch, since: place };
}

export function fromTemplatePage(page: TemplatePage): TemplateChangesMessage {
  const { epoch, next, hasMore, changes } = page;
  return { epoch, next: String(next), hasMore, changes: changes.map(fromChange) };
}

function fromChange(change: SharedChange): TemplateChangeMessage {
  const { address, seenMs, trusted } = change;
  return { address, seenMs: String(seenMs), trusted, ...whatOf(change) };
}

function whatOf(change: SharedChange): TemplateChangeMessage {
  switch (change.what) {
    case 'template': {
      const { port, version, domain, templateId, kind, record } = change;
      const options = kind === 'options';
      return { template: { port, version, domain, id: templateId, options, record } };
    }
    case 'rate':
      return { samplingRate: { sampler: change.key, rate: Number(change.value) } };
    case 'interface':
      return { interfaceName: { index: change.key, name: change.value } };
  }
}
