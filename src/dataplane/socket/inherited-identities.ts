import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { Identities } from '../../table/identities.ts';
import { SlotAllocator } from '../../table/slots.ts';
import { SLOT_COUNT, STATE_COUNT } from '../memory/counter-memory.ts';
import { readIdentityMemory } from '../memory/identity-memory.ts';
import type { Predecessor } from './predecessor.ts';

/** Of a million rules. */
const MAX_IDENTITIES_BYTES = 1 << 28;

/** What forwarders before count where; undefined when that is not known. */
export async function readIdentities(
  predecessors: readonly Predecessor[],
  log: Logger,
): Promise<Identities | undefined> {
  // Control has one log, which all of its forwarders carry.
  const one = predecessors.find((predecessor) => predecessor.fits('identities'));
  if (one?.descriptors.identities === undefined) return undefined;
  try {
    const text = readIdentityMemory(one.descriptors.identities, MAX_IDENTITIES_BYTES);
    const identities = await Identities.read(text);
    assertPossible(identities);
    return identities;
  } catch (error) {
    const text = 'what the forwarders taken over count is not known: statistics begin anew';
    log.error({ error: messageOf(error) }, text);
    return undefined;
  }
}

/** @throws RangeError for numbers that cannot be */
function assertPossible(identities: Identities): void {
  const clear = () => {};
  const numbers = { slots: SLOT_COUNT, states: STATE_COUNT, clearSlot: clear, clearState: clear };
  new SlotAllocator(numbers).adopt(identities);
}
