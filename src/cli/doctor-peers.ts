/** Which collectors are proxies themselves, and where they send: for `floxy doctor`, which looks for circles. */
import { toJson } from '@bufbuild/protobuf';
import { collectorsOf } from '../doctor/rule-set.ts';
import type { PeerReport } from '../doctor/subject.ts';
import { addressKind } from '../model/address-kind.ts';
import type { RuleSet } from '../model/rules.ts';
import { canonicaliseRuleSet } from '../rules/canonicalise.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import { type ApiAccess, collectApi } from './api-client.ts';
import { findMethod, makeMessage } from './messages.ts';

/** So many hosts are asked, all at once. */
const MAX_ASKED = 32;
/** A proxy in the same network answers within milliseconds. */
const ANSWER_LIMIT_MS = 1000;

/**
 * Asks the hosts of collectors for their rules, as the service here is asked, without its token. Most have no such
 * API, and do not answer.
 *
 * @param port of the API of all of them
 */
export async function askPeers(
  ruleSet: RuleSet,
  access: ApiAccess,
  port: number,
): Promise<readonly PeerReport[]> {
  const hosts = new Set(
    collectorsOf(ruleSet)
      .filter(({ octets }) => addressKind(octets) !== 'loopback')
      .map(({ host }) => host),
  );
  const asked = [...hosts].slice(0, MAX_ASKED);
  return await Promise.all(asked.map((host) => askPeer(host, access, port)));
}

async function askPeer(host: string, access: ApiAccess, port: number): Promise<PeerReport> {
  const target = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const peer = { ...access, target, timeoutMs: ANSWER_LIMIT_MS, authorization: undefined };
  const method = findMethod('floxy', 'collector.proto.View', 'ListRules');
  try {
    const pages = (await collectApi(peer, method, makeMessage(method.input, {}))).map(
      (page) => toJson(method.output, page) as Unchecked<RuleSetMessage>,
    );
    const rules = canonicaliseRuleSet({
      rules: pages.flatMap((page) => page.rules ?? []),
      defaultOutputs: pages.flatMap((page) => page.defaultOutputs ?? []),
    });
    return { host, collectors: collectorsOf(rules) };
  } catch {
    return { host, collectors: undefined };
  }
}
