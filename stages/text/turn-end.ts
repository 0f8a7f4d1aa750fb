/**
 * Where a chat format ends the assistant's turn. Many a fine-tuned model closes its turns with `<|im_end|>` while its files name
 * only `<|endoftext|>` as the end; sampled until that, it would go on and ask itself the next question.
 */
import {StageFailure} from '../../pipeline/stage.js';
import type {AddedToken} from './added-tokens.js';
import {compileTemplate} from './jinja.js';

/** Texts that no chat format has by itself. */
const QUESTION = 'Wieviel ist 3 + 4?';
const ANSWER = 'Das ist 7.';
const QUESTIONS = [{role: 'user', content: QUESTION}] as const;
const ANSWERED = [...QUESTIONS, {role: 'assistant', content: ANSWER}] as const;

/** Some hundred times what the longest template of a known model takes for a turn. */
const MOST_STEPS = 100_000;

/**
 * The token that stands behind what the assistant says: the same when the conversation ends there and when it goes on, so that
 * the beginning of a next turn is not taken for the end of this one.
 *
 * @param source a chat template
 * @param tokens the added tokens of the tokenizer
 * @param variables tokens by their names (`eos_token`), as the template knows them
 * @returns its content; nothing where no token stands there, or the template cannot be rendered: whoever asks something in
 * its chat format is told why
 */
export function turnEndOf(
  source: string,
  tokens: readonly AddedToken[],
  variables: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const controls = tokens.filter(({special, content}) => special || /^<.+>$/s.test(content));
  const behind = (messages: readonly object[]): string | undefined => {
    const render = compileTemplate(source, 'this tokenizer');
    const given = {...variables, messages, tools: null, documents: null, add_generation_prompt: false};
    const text = render(given, {steps: MOST_STEPS});
    const at = text.lastIndexOf(ANSWER);
    if (at < 0) return undefined;
    const rest = text.slice(at + ANSWER.length).trimStart();
    const found = controls.filter(({content}) => content !== '' && rest.startsWith(content));
    return found.sort((a, b) => b.content.length - a.content.length)[0]?.content;
  };
  try {
    const last = behind(ANSWERED);
    return last !== undefined && last === behind([...ANSWERED, ...QUESTIONS]) ? last : undefined;
  } catch (error) {
    if (error instanceof StageFailure) return undefined;
    throw error;
  }
}
