/** A file of rules: its rules, complete and canonical, or all that is wrong with it. */
import type { Problem } from '../base/errors.ts';
import { Turn } from '../base/turn.ts';
import type { RuleSet } from '../model/rules.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import { type RuleMessage, RuleReader, type RuleSetMessage } from '../rules/message.ts';
import { type HostAddresses, ruleProblems } from '../rules/validate.ts';
import type { Document, DocumentProblem } from './document.ts';

/** A host of which nothing is known. */
export const UNKNOWN_HOST: HostAddresses = {
  isLocal: () => false,
  isBroadcast: () => false,
  listenPorts: [],
};

/** What a document says, when nothing is wrong with it. */
export interface ReadRules {
  readonly ruleSet: RuleSet;
  readonly problems: readonly DocumentProblem[];
}

/**
 * Reads the rules of a document (a ProxyRules message) as the service reads those of a call, and looks at them as it
 * does, for one host.
 *
 * @throws FloxyError LIMIT_EXCEEDED
 */
export async function readRules(document: Document, host: HostAddresses): Promise<ReadRules> {
  const message = document.message as Unchecked<RuleSetMessage>;
  const reader = new RuleReader();
  const turn = new Turn();
  const rules = [];
  for (const rule of (message.rules ?? []) as readonly Unchecked<RuleMessage>[]) {
    if (turn.isOver) await turn.next();
    rules.push(reader.rule(rule, `rules[${rules.length}]`));
  }
  const defaultOutputs = reader.outputs(message.defaultOutputs ?? [], 'default_outputs');
  const ruleSet = { rules, defaultOutputs };
  const isReadable = document.problems.length === 0 && reader.problems.length === 0;
  // Between rules that could not be read, nothing can be said.
  const between = isReadable ? ruleProblems(ruleSet, host) : [];
  return { ruleSet, problems: inOrder(document, [...reader.problems, ...between]) };
}

/** All problems of a document, in the order of their places. */
function inOrder(document: Document, problems: readonly Problem[]): DocumentProblem[] {
  const told = new Set(document.problems.flatMap(({ path }) => around(path)));
  const others = problems.filter(({ path }) => !told.has(path));
  return [...document.problems, ...others.map((problem) => locate(document, problem))].toSorted(
    (one, other) =>
      (one.place?.line ?? 0) - (other.place?.line ?? 0) ||
      (one.place?.column ?? 0) - (other.place?.column ?? 0),
  );
}

/** A path and those of all that it is in: what is missing there follows from what is wrong within. */
function around(path: string): string[] {
  const steps = path.split('.');
  return steps.map((_, i) => steps.slice(0, i + 1).join('.'));
}

export function locate(document: Document, problem: Problem): DocumentProblem {
  return { ...problem, place: document.placeOf(problem.path) };
}

/** The problems that control lists in one text: `path: message; path: message; and 5 more`. */
const BETWEEN = /; (?=(?:rules|default_outputs|exporters)\[\d+\][\w.[\]]*: |and \d+ more$)/;
const LISTED = /^([\w.[\]]+): (.*)$/s;

/**
 * What control found wrong with the rules of a document, one by one, with their places.
 *
 * @returns texts for what is no problem of a place; undefined when nothing is one
 */
export function placeListed(
  document: Document,
  text: string,
): readonly (DocumentProblem | string)[] | undefined {
  const listed = text.split(BETWEEN).map((part) => {
    const [, path, message] = LISTED.exec(part) ?? [];
    if (path === undefined || message === undefined) return part;
    const problem = locate(document, { path, message });
    return problem.place === undefined ? part : problem;
  });
  return typeof listed[0] === 'string' ? undefined : listed;
}

/** `rules.txtpb:14:5: rules[3].exporter.endpoint.port: …`; other places that it names have their lines. */
export function formatProblem(
  file: string,
  document: Document,
  { path, message, place }: DocumentProblem,
): string {
  const where = place === undefined ? '' : `:${place.line}:${place.column}`;
  const what = path === '' ? '' : ` ${path}:`;
  return `${file}${where}:${what} ${withLines(document, message)}`;
}

/** `rules[0]` → `rules[0] (line 3)` */
function withLines(document: Document, message: string): string {
  return message.replace(/\b(?:rules|default_outputs|exporters)\[\d+\]/g, (path) => {
    const place = document.placeOf(path);
    return place === undefined ? path : `${path} (line ${place.line})`;
  });
}
