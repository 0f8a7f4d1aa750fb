/**
 * How a question becomes what the model reads. Base and Zero models read raw text in the Zero template, every other model
 * reads its tokenizer's chat format. No template puts a `<think>` in the model's mouth: whether it thinks is its own
 * doing, and the format reward is about that.
 */
import {Template} from '@huggingface/jinja';

import {StageFailure} from '../../pipeline/stage.js';
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
export function renderChat(tokenizer: Tokenizer, messages: readonly Message[]): string {
  if (tokenizer.chatTemplate === undefined) {
    throw new StageFailure('this tokenizer has no chat template; use the template “zero” or “none” instead');
  }
  const text = compiled(tokenizer.chatTemplate).render({
    messages: messages.map((message) => ({...message})),
    add_generation_prompt: true,
    bos_token: tokenizer.bosToken ?? '',
    eos_token: tokenizer.eosToken,
  });
  return text.replace(/<think>\s*$/, '');
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
      return compiled(WORD_CHAT_TEMPLATE).render({messages, add_generation_prompt: true});
    }
  }
}

const cache = new Map<string, Template>();

function compiled(source: string): Template {
  let template = cache.get(source);
  if (template === undefined) {
    template = new Template(source);
    cache.set(source, template);
  }
  return template;
}
