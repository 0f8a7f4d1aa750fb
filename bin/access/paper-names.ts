/** What the paper calls the models of a run: what its recipe says to its reports, and nothing where it says nothing. */
import type {Run} from '../../artifacts/index.js';
import {frozenPlanOf} from '../../pipeline/plan/frozen-plan.js';

/**
 * Node → what the paper calls the model that it makes (`paperNames` of the stage `report`). Read from the plan, so that a recipe whose
 * nodes merely share a name with those of a built-in one has none, and a run that has made no report yet has them all.
 *
 * @throws UserError newer-store, store-damaged
 */
export function paperNamesOf(run: Run): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const node of Object.values(frozenPlanOf(run).nodes)) {
    if (node.type !== 'stage' || node.stage !== 'report') continue;
    const {paperNames = {}} = node.params;
    // A store may hold anything.
    if (typeof paperNames !== 'object' || paperNames === null || Array.isArray(paperNames)) continue;
    for (const [name, paper] of Object.entries(paperNames))
      if (typeof paper === 'string' && paper !== '' && !names.has(name)) names.set(name, paper);
  }
  return names;
}
