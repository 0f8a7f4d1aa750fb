/** What a node is going to take of memory, as its stage reckons it from the inputs that are there by then. */
import type {Store} from '../../artifacts/index.js';
import {absolutePaths} from '../job/folder.js';
import {placeInputs} from '../job/prepare-folder.js';
import type {JobSpec} from '../job/prepare-folder.js';
import type {MemoryNeed} from '../stage.js';
import {resourcesOf, threadsOf} from '../wiring/nodes.js';
import type {StageNode} from '../wiring/nodes.js';

/**
 * Undefined where the stage says nothing of it, or the node itself does. The inputs lie in a folder of their own meanwhile.
 * @throws what the stage throws, and what can go wrong with the store
 */
export async function memoryNeeds(
  node: StageNode,
  inputs: JobSpec['inputs'],
  store: Store,
): Promise<MemoryNeed | undefined> {
  const {stage, options, params} = node;
  if (stage.memory === undefined || options.resources?.memory !== undefined) return undefined;
  const scratch = store.scratch(`memory-${node.id}`);
  try {
    const {paths} = await placeInputs(scratch.folder, node, inputs, store);
    const {inputs: placed} = absolutePaths(scratch.folder, {inputs: paths, outputs: {}});
    const context = {inputs: placed, params, threads: threadsOf(node), cores: resourcesOf(node).cpu};
    const needed = await stage.memory(context as never);
    const {mib} = needed;
    if (!Number.isFinite(mib) || mib < 0) throw new Error(`“memory” of ${stage.name} came to ${mib}`);
    return needed;
  } catch (error) {
    // That folder is gone by the time that anybody reads of it: what stays is `inputs/PORT`.
    if (!(error instanceof Error) || !error.message.includes(scratch.folder)) throw error;
    throw new Error(error.message.replaceAll(`${scratch.folder}/`, ''), {cause: error});
  } finally {
    await scratch.remove();
  }
}
