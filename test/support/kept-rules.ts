/** A control plane on a real database, without a thread and without a data plane. */

import { pino } from 'pino';
import { ControlPlane } from '../../src/control/control-plane.ts';
import { RulesHistory } from '../../src/control/history.ts';
import type { HistoryStore, RuleStore } from '../../src/control/ports.ts';
import type { HistoryLimits } from '../../src/model/history.ts';
import { StoreQuestions } from '../../src/store/store-questions.ts';
import { HISTORY_LIMITS, quietStore } from '../lab/rule-store.ts';
import { Borders } from './borders.ts';
import { host } from './rule-sets.ts';

type Methods = Readonly<Record<string, (...args: readonly never[]) => unknown>>;

/** Calls methods of objects as if they took a while. */
function later<Port>(...owners: readonly object[]): Port {
  const call = (name: string, args: readonly unknown[]) => {
    const owner = owners.find((candidate) => name in candidate) as Methods | undefined;
    return Reflect.apply(owner?.[name] as (...given: unknown[]) => unknown, owner, args);
  };
  return new Proxy({} as object, {
    get: (_, name: string) =>
      name === 'status'
        ? () => call(name, [])
        : async (...args: readonly unknown[]) => call(name, args),
  }) as Port;
}

export interface KeptRules extends AsyncDisposable {
  readonly control: ControlPlane;
  readonly history: RulesHistory;
  readonly store: RuleStore & HistoryStore;
}

/** @param path of the database */
export async function openKeptRules(
  path: string,
  historyLimits: HistoryLimits = HISTORY_LIMITS,
): Promise<KeptRules> {
  const rules = quietStore(path, historyLimits);
  const questions = new StoreQuestions({ store: rules, path, historyLimits });
  const store = later<RuleStore & HistoryStore>(rules, questions);
  const log = pino({ level: 'silent' });
  const dataPlane = new Borders();
  const control = new ControlPlane({ store, dataPlane, hostAddresses: () => host(), log });
  await control.start();
  const history = new RulesHistory({ control, store });
  return { control, history, store, [Symbol.asyncDispose]: () => control.stop() };
}
