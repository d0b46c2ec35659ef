/** The rules of a running service. */
import { type JsonValue, type Message, toJson } from '@bufbuild/protobuf';
import { messageOf } from '../base/errors.ts';
import type { RuleSet } from '../model/rules.ts';
import { DRY_RUN_HEADER, REVISION_HEADER } from '../protocol/headers.ts';
import { canonicaliseRuleSet } from '../rules/canonicalise.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import { type ApiAccess, callApi } from './api-client.ts';
import { CliError, EXIT } from './exit.ts';
import { findMethod, makeMessage } from './messages.ts';

export const SETTINGS = 'collector.proto.Settings';

/** The rules of a node. */
export interface ListedRules {
  readonly message: Message;
  readonly ruleSet: RuleSet;
  readonly revision: string | undefined;
  /** Older services take a dry run for a change. */
  readonly knowsDryRuns: boolean;
}

/** @throws CliError that names the node */
export async function listRules(access: ApiAccess): Promise<ListedRules> {
  const method = findMethod('floxy', SETTINGS, 'ListProxyRules');
  try {
    const answer = await callApi(access, method, makeMessage(method.input, {}));
    const json: JsonValue = toJson(method.output, answer.message);
    return {
      message: answer.message,
      // Its JSON form has the names and the nesting of the input.
      ruleSet: canonicaliseRuleSet(json as Unchecked<RuleSetMessage>),
      revision: answer.header(REVISION_HEADER),
      knowsDryRuns: answer.header(DRY_RUN_HEADER) !== undefined,
    };
  } catch (error) {
    if (error instanceof CliError && error.exitCode !== EXIT.failed) throw error;
    const message = `the rules of ${access.target}: ${messageOf(error)}`;
    throw new CliError(EXIT.failed, message, { cause: error });
  }
}
