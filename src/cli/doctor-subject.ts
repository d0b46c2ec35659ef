/** What `floxy doctor` looks at: asked of the service where it answers, else read here. */
import { setTimeout as delay } from 'node:timers/promises';
import { type DescMethod, type JsonValue, type Message, toJson } from '@bufbuild/protobuf';
import { readBuildInfo } from '../app/build-info.ts';
import { messageOf } from '../base/errors.ts';
import { readApiAddress } from '../config/api.ts';
import { readText } from '../doctor/host.ts';
import { takeSample } from '../doctor/samples.ts';
import { readSettingsOf } from '../doctor/settings.ts';
import { processName } from '../doctor/sockets.ts';
import type { ServiceReport, StatusReport, Subject, SubjectRules } from '../doctor/subject.ts';
import { canonicaliseRuleSet } from '../rules/canonicalise.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import { Document, formatOf } from '../rules-file/document.ts';
import { formatProblem, readRules, UNKNOWN_HOST } from '../rules-file/rules-file.ts';
import { loadShape } from '../rules-file/shape.ts';
import { type ApiAccess, callApi } from './api-client.ts';
import { askPeers } from './doctor-peers.ts';
import { CliError, EXIT } from './exit.ts';
import { findMethod, makeMessage } from './messages.ts';
import type { Terminal } from './terminal.ts';

const SETTINGS = 'collector.proto.Settings';

/** Between two looks at counters. */
const WATCH_MS = 1000;
/** A service that does not answer by then has something wrong with it. */
const ANSWER_LIMIT_MS = 5000;
const RULES_LIMIT_MS = 20_000;

interface Gathering {
  readonly access: ApiAccess;
  /** With rules to look at; undefined = those in force. */
  readonly file: string | undefined;
  readonly terminal: Terminal;
}

/** @throws CliError when the file cannot be used */
export async function gatherSubject({ access, file, terminal }: Gathering): Promise<Subject> {
  const fileRules = file === undefined ? undefined : await readRulesFile(file, terminal);
  const patient = { ...access, timeoutMs: Math.min(access.timeoutMs, ANSWER_LIMIT_MS) };
  const answer = await askService(patient).catch(messageOf);
  const service = typeof answer === 'string' ? undefined : answer;
  const before = takeSample(service?.status);
  const watched = delay(WATCH_MS);
  const rules = fileRules ?? (await rulesInForce(service, access));
  const { port } = readApiAddress(terminal.env);
  await watched;
  const status =
    service && (await ask<StatusReport>(patient, 'GetSystemStatus').catch(() => undefined));
  const { version, commit } = readBuildInfo();
  return {
    own: { version, commit },
    settings: readSettingsOf(service?.pid, terminal.env),
    target: access.target,
    service,
    serviceError: typeof answer === 'string' ? answer : undefined,
    ...(typeof rules === 'string' ? { rules: undefined, rulesError: rules } : { rules }),
    // Later: whoever is asked is looked for in the network, and what is known of neighbours changes by that.
    askPeers: typeof rules === 'string' ? undefined : () => askPeers(rules.ruleSet, access, port),
    samples: [before, takeSample(status)],
  };
}

/** The JSON form of an answer. */
async function ask<Answer>(access: ApiAccess, name: string): Promise<Answer> {
  const method = findMethod('floxy', SETTINGS, name);
  const { message } = await callApi(access, method, makeMessage(method.input, {}));
  return jsonOf(method, message) as Answer;
}

function jsonOf(method: DescMethod, message: Message): JsonValue {
  return toJson(method.output, message);
}

async function askService(access: ApiAccess): Promise<ServiceReport> {
  const [build, status] = await Promise.all([
    ask<{ version?: string; commit?: string; pid?: number }>(access, 'GetBuildInfo'),
    ask<StatusReport>(access, 'GetSystemStatus'),
  ]);
  const { version = '', commit = '', pid = 0 } = build;
  const isHere =
    processName(pid).startsWith('floxy: ') && readText(`/proc/${pid}/status`) !== undefined;
  const forwarders = (status.forwarders ?? []).flatMap((forwarder) => forwarder.pid ?? []);
  return {
    build: { version, commit },
    pid: isHere ? pid : undefined,
    pids: isHere ? [pid, ...forwarders] : [],
    status,
  };
}

async function rulesInForce(
  service: ServiceReport | undefined,
  access: ApiAccess,
): Promise<SubjectRules | string> {
  if (service === undefined) return 'no service answers';
  try {
    const patient = { ...access, timeoutMs: Math.min(access.timeoutMs, RULES_LIMIT_MS) };
    const json = await ask<Unchecked<RuleSetMessage>>(patient, 'ListProxyRules');
    return { ruleSet: canonicaliseRuleSet(json), name: 'the rules in force' };
  } catch (error) {
    return messageOf(error);
  }
}

async function readRulesFile(file: string, terminal: Terminal): Promise<SubjectRules> {
  const bytes = await terminal.read(file).catch((error: unknown) => {
    throw new CliError(EXIT.usage, `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  const document = await Document.read(bytes, loadShape('ProxyRules'), formatOf(file));
  const { ruleSet, problems } = await readRules(document, UNKNOWN_HOST);
  if (problems.length === 0) return { ruleSet, name: file };
  const lines = problems.map((problem) => formatProblem(file, document, problem));
  throw new CliError(EXIT.usage, lines.join('; '));
}
