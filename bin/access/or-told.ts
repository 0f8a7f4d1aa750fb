/** Reading what a store may hold, where a part that cannot be read must not hide the rest. */
import {UserError} from '../../artifacts/index.js';
import {StageFailure} from '../../pipeline/stage.js';

/** What `work` gives; where it cannot be read, that is told, and `undefined` stands for it. */
export async function orTold<T>(complain: (text: string) => void, work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof StageFailure)) throw error;
    complain(error.message);
    return undefined;
  }
}
