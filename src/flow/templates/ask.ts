import type { PageStart, SharedChange, TemplatePage } from './kept-change.ts';
import type { TemplateStore } from './template-store.ts';

/** What control, which never opens the database itself, wants of a worker that has it open. */
export type TemplateAsk =
  /** Which database it has. */
  | { readonly what: 'epoch' }
  | { readonly what: 'page'; readonly start: PageStart }
  | { readonly what: 'apply'; readonly changes: readonly SharedChange[] };

export type TemplateAnswer =
  | { readonly epoch: string }
  | { readonly page: TemplatePage }
  | { readonly applied: number }
  | { readonly error: string };

const UNUSABLE: TemplateAnswer = {
  error: 'the database of templates cannot be used at the moment: the log of this node says why',
};

/** Does what was asked for, in the worker. Never throws. */
export function answerAsk(store: TemplateStore | undefined, ask: TemplateAsk): TemplateAnswer {
  if (store === undefined) return UNUSABLE;
  if (ask.what === 'apply') {
    return store.apply(ask.changes) ? { applied: ask.changes.length } : UNUSABLE;
  }
  if (ask.what === 'epoch') {
    const { epoch } = store;
    return epoch === undefined ? UNUSABLE : { epoch };
  }
  const page = store.page(ask.start);
  return page === undefined ? UNUSABLE : { page };
}
