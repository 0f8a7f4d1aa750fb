/** Which questions a rollout asks: each set is gone through in a new order each epoch, from where the cursor stands. */
import {batchOrder} from '../train/batch-order.js';
import type {EncodedPrompt} from './sample-groups.js';

/** Questions taken so far from each set. */
export interface Cursor {
  readonly reasoning: number;
  readonly general: number;
}

export interface Questions {
  readonly hasGeneral: boolean;
  /**
   * The next `count` questions, the general ones first.
   * @param generalShare the share of them that is general, rounded to whole questions
   */
  draw(
    cursor: Cursor,
    count: number,
    generalShare: number,
  ): {readonly questions: EncodedPrompt[]; readonly cursor: Cursor};
}

/** @param general may be empty */
export function openQuestions({
  reasoning,
  general,
  seed,
}: {
  readonly reasoning: readonly EncodedPrompt[];
  readonly general: readonly EncodedPrompt[];
  readonly seed: number;
}): Questions {
  const reasoningAt = batchOrder(reasoning.length, 1, {seed, purpose: 'grpo/questions'});
  const generalAt =
    general.length === 0 ? undefined : batchOrder(general.length, 1, {seed, purpose: 'grpo/general-questions'});
  return {
    hasGeneral: generalAt !== undefined,
    draw(cursor, count, generalShare) {
      const fromGeneral = generalAt === undefined ? 0 : Math.round(count * generalShare);
      const questions = Array.from({length: count}, (_, i) =>
        i < fromGeneral
          ? general[generalAt!(cursor.general + i)[0]!]!
          : reasoning[reasoningAt(cursor.reasoning + i - fromGeneral)[0]!]!,
      );
      const taken = {reasoning: cursor.reasoning + count - fromGeneral, general: cursor.general + fromGeneral};
      return {questions, cursor: taken};
    },
  };
}
