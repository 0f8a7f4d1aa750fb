/** What an attempt did to its inputs, which are read-only. */
import {isInterrupted} from '../../artifacts/index.js';
import type {Damage, Placed, Store} from '../../artifacts/index.js';
import {isSuccess} from '../outcome.js';
import type {Outcome} from '../outcome.js';

/** Where a run is to end early, only a success is worth waiting for: whoever uses an input next looks at it anyway. */
export async function damagesOf(inputs: readonly Placed[], outcome: Outcome, store: Store): Promise<readonly Damage[]> {
  try {
    return await store.inputsIntact(inputs);
  } catch (error) {
    if (isSuccess(outcome) || !isInterrupted(error)) throw error;
    return [];
  }
}

export function inputsChanged(damages: readonly Damage[]): Outcome {
  const digestsOf = (list: readonly Damage[]) => [...new Set(list.map(({artifact}) => artifact))];
  const outOfUse = digestsOf(damages.filter(({blobDamaged}) => blobDamaged));
  return {reason: 'inputs-changed', digests: digestsOf(damages), outOfUse};
}
