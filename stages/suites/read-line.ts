/**
 * Answers on a line of their own, as the prompts of simple-evals ask for them: “Answer: B”. The last such line of the reply counts;
 * what stands in front of it is working, wherever else an answer may seem to be. Without such a line the completion stays as it is.
 */
import type {Completion} from '../text/completion.js';

const LINE = /^[ \t]*[*_#>]*[ \t]*(?:(?:final|the) )?(?:answer|答案)[*_]*[ \t]*[:：][*_]*[ \t]*(.+)$/gimu;

/** Emphasis and dollar signs around all of it, and a full stop. */
const AROUND = /^[*_$`"“” \t]+|[*_$`"“” \t.。]+$/g;

/** The completion with what its last answer line says as its answer. */
export function readLine(completion: Completion): Completion {
  const said = [...completion.reply.matchAll(LINE)].at(-1)?.[1];
  if (said === undefined) return completion;
  const boxed = /^\$?\\(?:boxed|fbox) *\{/.test(said.trim());
  const answer = boxed ? said.trim() : said.replaceAll(AROUND, '').trim();
  return answer === '' ? completion : {...completion, answers: [answer], answer};
}
