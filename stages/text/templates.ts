/**
 * How a question becomes what the model reads. Base and Zero models read raw text in the Zero template, every other model
 * reads its tokenizer's chat format. No template puts a `<think>` in the model's mouth: whether it thinks is its own
 * doing, and the format reward is about that.
 */
import {StageFailure} from '../../pipeline/stage.js';
import {compileTemplate} from './jinja.js';
import type {Render} from './jinja.js';
import type {TemplateName} from './template-names.js';
import type {Tokenizer} from './tokenizer.js';
import {WORD_CHAT_TEMPLATE} from './word-tokenizer.js';

export {TEMPLATE_NAMES} from './template-names.js';
export type {TemplateName} from './template-names.js';

/** DeepSeek-R1 (arXiv 2501.12948v1), Table 1, to the letter; `prompt` there is `{question}` here. */
export const ZERO_TEMPLATE =
  'A conversation between User and Assistant. The user asks a question, and the Assistant solves it. The assistant first ' +
  'thinks about the reasoning process in the mind and then provides the user with the answer. The reasoning process and ' +
  'answer are enclosed within <think> </think> and <answer> </answer> tags, respectively, i.e., <think> reasoning process ' +
  'here </think> <answer> answer here </answer>. User: {question}. Assistant:';

/** One sentence in the words of the built-in vocabulary, so that question and response fit into 96 tokens. */
export const TINY_ZERO_TEMPLATE =
  'the assistant thinks in <think> </think> and then answers in <answer> </answer> . user : {question} assistant :';

/** A turn of a conversation. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** The text that a model is given for a question. Throws a plain sentence when `chat` is asked of a tokenizer without it. */
export function renderPrompt(tokenizer: Tokenizer, template: TemplateName, question: string): string {
  return template === 'chat'
    ? renderChat(tokenizer, [{role: 'user', content: question}])
    : plainPrompt(template, question);
}

/** The ids of that text. Raw text gets what the tokenizer puts around every text; a chat format brings its own. */
export function encodePrompt(tokenizer: Tokenizer, template: TemplateName, question: string): number[] {
  return tokenizer.encode(renderPrompt(tokenizer, template, question), {addSpecial: template !== 'chat'});
}

/**
 * A conversation in the tokenizer's chat format, opened for the assistant's next turn. A `<think>` that the format
 * pre-fills (as those of the distilled R1 models do) is taken off again.
 */
export function renderChat(tokenizer: Pick<Tokenizer, TemplateParts>, messages: readonly Message[]): string {
  const render = chatTemplate(tokenizer);
  return render(messages).replace(/<think>\s*$/, '');
}

type TemplateParts = 'chatTemplate' | 'chatTemplateFile' | 'bosToken' | 'eosToken';

/** Templates that were looked at, by their text and file: whether a template asks the question does not change. */
const asking = new Map<string, (messages: readonly Message[]) => string>();

/** The tokenizer's chat format. @throws {StageFailure} when there is none, or when it leaves the question out */
function chatTemplate({
  chatTemplate: source,
  chatTemplateFile: file = 'this tokenizer',
  bosToken = '',
  eosToken,
}: Pick<Tokenizer, TemplateParts>): (messages: readonly Message[]) => string {
  if (source === undefined) {
    throw new StageFailure('this tokenizer has no chat template; use the template “zero” or “none” instead');
  }
  const key = JSON.stringify([file, source, bosToken, eosToken]);
  const known = asking.get(key);
  if (known !== undefined) return known;
  const template = compileOnce(source, file);
  const render = (messages: readonly Message[]): string =>
    template({
      messages: messages.map((message) => ({...message})),
      add_generation_prompt: true,
      bos_token: bosToken,
      eos_token: eosToken,
    });
  // A model that is asked without its question answers all the same, and nobody would see why it is always wrong.
  const [one, other] = ['one', 'other'].map((content) => render([{role: 'user', content}]));
  if (one === other) {
    throw new StageFailure(`the chat template of ${file} leaves the question out; use the template “none” instead`);
  }
  asking.set(key, render);
  return render;
}

/** The templates that need no tokenizer; `chat` is then the built-in word tokenizer's. */
export function plainPrompt(template: TemplateName, question: string): string {
  switch (template) {
    case 'none':
      return question;
    case 'zero':
      return ZERO_TEMPLATE.replace('{question}', () => question);
    case 'tiny-zero':
      return TINY_ZERO_TEMPLATE.replace('{question}', () => question);
    case 'chat': {
      const messages = [{role: 'user', content: question}];
      return compileOnce(WORD_CHAT_TEMPLATE, 'the built-in tokenizer')({messages, add_generation_prompt: true});
    }
  }
}

const cache = new Map<string, Render>();

function compileOnce(source: string, where: string): Render {
  const key = `${where}\n${source}`;
  let template = cache.get(key);
  if (template === undefined) {
    template = compileTemplate(source, where);
    cache.set(key, template);
  }
  return template;
}
