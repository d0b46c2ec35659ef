/** Run by saveAndDie(): its argument is the directory of the database. */
import { numberedRule, openedStore, ruleSet } from './rule-store.ts';

const [, , directory = ''] = process.argv;
const { store } = openedStore(directory);
store.replaceAll(1, ruleSet(numberedRule(1)));
store.update(2, { upserts: [numberedRule(2)], deletes: [], defaultOutputs: undefined });
process.kill(process.pid, 'SIGKILL');
