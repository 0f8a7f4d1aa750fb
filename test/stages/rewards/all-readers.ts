/** For the test of endless texts: a text goes through every reader of completions and references, beside the rewards. */
import {scoreCompletion as byRules} from '../../../stages/rewards/index.js';
import {repetition} from '../../../stages/rewards/repetition.js';
import {mend} from '../../../stages/tasks/dials-grammar.js';
import {kindOfReference} from '../../../stages/tasks/answers/kind.js';
import {builtInTasks} from '../../../stages/tasks/built-in.js';
import {languageConsistency} from '../../../stages/tasks/language.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {finalAnswer, readCompletion, type Completion} from '../../../stages/text/completion.js';
import {loadDetector} from '../../../stages/text/detector.js';
import {consistencyIn, reflectiveWords} from '../../../stages/text/language.js';

await loadDetector();

export const scoreCompletion = (prompt: Prompt, {text}: Completion): ReturnType<typeof byRules> => {
  kindOfReference(text);
  mend(text, 'en');
  languageConsistency(text, 'zh');
  reflectiveWords(text);
  for (const language of ['en', 'zh', 'ja', 'ru'] as const) consistencyIn(text, language);
  let scored = byRules(prompt, readCompletion(text, true), {});
  for (const wrapped of [
    `<think> ${text} </think> \\boxed{${text}}`,
    `<think> a </think> <answer> ${text} </answer>`,
    `\\boxed{${text}`,
    `\\boxed{5} ${text}`,
  ]) {
    const completion = readCompletion(wrapped, true);
    finalAnswer(completion);
    repetition(prompt, completion);
    scored = byRules(prompt, completion, {});
    for (const task of builtInTasks.values()) task.answer?.read(completion);
  }
  return scored;
};
