/** How long responses may be for the reward `length`: as long as a model's were, where reinforcement learning is wired with its scores. */
import {join} from 'node:path';
import {z} from 'zod';
import {StageFailure} from '../../pipeline/stage.js';
import {readJson} from '../data/rows.js';

const lengths = z.object({scores: z.array(z.looseObject({metric: z.string(), mean: z.number()}))});

/**
 * The mean length of the responses of an evaluation, in tokens, the end token included, where the reward `length` falls to 0.
 *
 * @param folder of a `scores` artifact
 * @param note is told what it is
 * @throws {StageFailure} where the evaluation counted none
 */
export async function meanLength(folder: string, note: (text: string) => void): Promise<number> {
  const file = join(folder, 'scores.json');
  const mean = lengths.safeParse(await readJson(file)).data?.scores.find(({metric}) => metric === 'length')?.mean;
  if (mean === undefined || !(mean > 0))
    throw new StageFailure(`${file} has no mean length of responses above 0: wire scores of a model that answers`);
  note(
    `the reward length falls to 0 at ${mean.toFixed(1)} tokens, the mean length of the responses that were evaluated`,
  );
  return mean;
}
