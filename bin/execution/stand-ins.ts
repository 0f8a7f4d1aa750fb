/** The stages of r1, for `--trainer` and `--replace`: loaded when one of them was typed, as a recipe needs a few of them only. */
import type {AnyStage} from '../../pipeline/stage.js';

export const standIns = async (): Promise<readonly AnyStage[]> => {
  const {builtInStages} = await import('../access/stages.js');
  return builtInStages().map(({stage}) => stage);
};
