/** The rules of a running service. */
import { type JsonValue, type Message, toJson } from '@bufbuild/protobuf';
import { messageOf } from '../base/errors.ts';
import type { Exporter, RuleSet } from '../model/rules.ts';
import { DRY_RUN_HEADER, REVISION_HEADER } from '../protocol/headers.ts';
import { canonicaliseRuleSet } from '../rules/canonicalise.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import { type ApiAccess, callApi, collectApi } from './api-client.ts';
import { CliError, EXIT } from './exit.ts';
import { findMethod, makeMessage } from './messages.ts';

export const SETTINGS = 'collector.proto.Settings';

/** Exporters that can be asked for at once: see src/api/view/entries.ts. */
const MAX_ASKED = 200;

/** Rules of a node. */
export interface KnownRules {
  readonly ruleSet: RuleSet;
  readonly revision: string | undefined;
}

/** All rules of a node. */
export interface ListedRules extends KnownRules {
  readonly message: Message;
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
    };
  } catch (error) {
    if (error instanceof CliError && error.exitCode !== EXIT.failed) throw error;
    const message = `the rules of ${access.target}: ${messageOf(error)}`;
    throw new CliError(EXIT.failed, message, { cause: error });
  }
}

/**
 * Lists the rules at the addresses of these exporters, whatever their ports. Default outputs are left out.
 *
 * @throws CliError
 */
export async function listRulesOf(
  access: ApiAccess,
  exporters: readonly Exporter[],
): Promise<KnownRules> {
  const hosts = [...new Set(exporters.map(({ endpoint }) => endpoint.host))];
  if (hosts.length > MAX_ASKED) return await listRules(access);
  const method = findMethod('floxy', 'collector.proto.View', 'ListRules');
  const request = makeMessage(method.input, { filter: { exporters: hosts } });
  const pages = (await collectApi(access, method, request)).map(
    (page) => toJson(method.output, page) as Unchecked<RuleSetMessage> & { revision?: string },
  );
  return {
    ruleSet: canonicaliseRuleSet({ rules: pages.flatMap(({ rules }) => rules ?? []) }),
    revision: pages[0]?.revision,
  };
}

/** Whether a dry run is none of a change for a service, which older ones take it for. @throws CliError */
export async function knowsDryRuns(access: ApiAccess): Promise<boolean> {
  const method = findMethod('floxy', SETTINGS, 'GetBuildInfo');
  const answer = await callApi(access, method, makeMessage(method.input, {}));
  return answer.header(DRY_RUN_HEADER) !== undefined;
}
