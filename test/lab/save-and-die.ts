/** Run by saveAndDie(): its argument is the directory of the database. */

import { ruleSet } from '../support/rule-sets.ts';
import { adding, numberedRule, openedStore, replacing } from './rule-store.ts';

const [, , directory = ''] = process.argv;
const { store } = openedStore(directory);
store.write(replacing(ruleSet([numberedRule(1)])), { number: 1 });
store.write(adding(numberedRule(2)), { number: 2 });
process.kill(process.pid, 'SIGKILL');
