/** What an attempt did to its inputs, which are read-only. */
import {isInterrupted} from '../../artifacts/index.js';
import type {Damage, Placed, Store} from '../../artifacts/index.js';
import type {Outcome} from '../outcome.js';

/** Where a run is to end early, only a success is worth waiting for: whoever uses an input next looks at it anyway. */
export async function damagesOf(
  inputs: readonly Placed[],
  {reason}: Outcome,
  store: Store,
): Promise<readonly Damage[]> {
  try {
    return await store.inputsIntact(inputs);
  } catch (error) {
    if (reason === 'succeeded' || !isInterrupted(error)) throw error;
    return [];
  }
}

export function inputsChanged(damages: readonly Damage[]): Outcome {
  const digestsOf = (list: readonly Damage[]) => [...new Set(list.map(({artifact}) => artifact))];
  const outOfUse = digestsOf(damages.filter(({blobDamaged}) => blobDamaged));
  return {reason: 'inputs-changed', digests: digestsOf(damages), outOfUse};
}
