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
import {NO_WORDING, type Shot, type Wording} from './wording.js';
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

/** What of a wording stands in a prompt. */
export type Asked = Pick<Wording, 'shots' | 'system' | 'suffix' | 'prefill'>;

/**
 * The text that a model is given for a question, as far as the response that it is made to begin with; what looks like a control
 * token in question, suffix or system text is marked as text (`Tokenizer.asText`).
 *
 * @throws {StageFailure} when `chat` is asked of a tokenizer without it, or a system text of a template that has no place for one
 */
export function renderPrompt(
  tokenizer: Tokenizer,
  template: TemplateName,
  question: string,
  asked: Asked = NO_WORDING,
): string {
  return renderConversation(tokenizer, template, [{role: 'user', content: question}], asked);
}

/** The ids of that text. Raw text begins with what the tokenizer puts before every text; a chat format brings its own. */
export function encodePrompt(
  tokenizer: Tokenizer,
  template: TemplateName,
  question: string,
  asked: Asked = NO_WORDING,
): number[] {
  return tokenizer.encode(renderPrompt(tokenizer, template, question, asked), {addSpecial: template !== 'chat'});
}

/**
 * The same for a conversation: in the chat format all of it, in any other template the last message. The suffix stands behind the
 * last message alone, so that what was said before stays what it was.
 *
 * @throws {StageFailure} as `renderPrompt` does
 */
export function renderConversation(
  tokenizer: Tokenizer,
  template: TemplateName,
  messages: readonly Message[],
  {shots, system, suffix, prefill}: Asked,
): string {
  const {role, content} = messages.at(-1)!;
  const last = {role, content: content + suffix};
  if (template !== 'chat') {
    if (system !== '') throw new StageFailure(`the template “${template}” has no system turn for the system text`);
    if (shots.length > 0) throw new StageFailure(`the template “${template}” has no turns for the shots`);
    return plainPrompt(template, tokenizer.asText(last.content)) + prefill;
  }
  const before: Message[] = [
    ...(system === '' ? [] : [{role: 'system', content: system} as const]),
    ...turnsOf(shots, suffix),
  ];
  return renderChat(tokenizer, [...before, ...messages.slice(0, -1), last], prefill);
}

/** Questions that were asked before, each with its response. */
export const turnsOf = (shots: readonly Shot[], suffix: string): Message[] =>
  shots.flatMap(({question, response}): Message[] => [
    {role: 'user', content: question + suffix},
    {role: 'assistant', content: response},
  ]);

/**
 * A conversation in the tokenizer's chat format, opened for the assistant's next turn. A `<think>` that the format
 * pre-fills (as those of the distilled R1 models do) is taken off again.
 *
 * @param prefill what the turn begins with, control tokens in it included
 * @throws {StageFailure} when the format leaves out the system text, or what was asked before
 */
export function renderChat(
  tokenizer: Pick<Tokenizer, TemplateParts>,
  messages: readonly Message[],
  prefill = '',
): string {
  const {render, forgets} = chatTemplate(tokenizer);
  if (forgets && messages.filter(({role}) => role === 'user').length > 1) {
    throw new StageFailure(
      `the chat template of ${tokenizer.chatTemplateFile ?? 'this tokenizer'} leaves out what was asked before`,
    );
  }
  // What the model has said itself may well hold control tokens.
  const given = messages.map((message) =>
    message.role === 'assistant' ? message : {...message, content: tokenizer.asText(message.content)},
  );
  const opened = render(given).replace(/<think>\s*$/, '');
  const system = given.find(({role}) => role === 'system');
  if (system !== undefined && !holds(opened, system.content.trim())) {
    throw new StageFailure(
      `the chat template of ${tokenizer.chatTemplateFile ?? 'this tokenizer'} leaves the system text out; put it into the suffix instead`,
    );
  }
  return prefill === '' ? opened : continued(opened, prefill, (said) => render(given, said));
}

/** Stands behind what a turn begins with while it is rendered; in no text by itself. The space shows whether a format trims. */
const MARK = 'R1_GOES_ON_HERE ';

/**
 * An opened turn with what it begins with, as transformers has it (`apply_chat_template` with `continue_final_message`): rendered
 * as a whole turn and cut behind its text, since a format may put a space in front of it, or take spaces off its ends. Where the
 * format puts more than spaces in front of what is said (Qwen3 an empty thinking), or does something else to it (DeepSeek-R1 drops
 * what was thought), the text simply follows the opening of the turn.
 *
 * @param renderTurn renders the conversation with a whole turn of the assistant
 */
function continued(opened: string, prefill: string, renderTurn: (said: string) => string): string {
  let turn: string;
  try {
    turn = renderTurn(prefill + MARK);
  } catch (error) {
    if (!(error instanceof StageFailure)) throw error;
    return opened + prefill; // A format may refuse a turn that is not finished.
  }
  const end = turn.lastIndexOf(MARK.trim());
  const upTo = turn.slice(0, Math.max(0, end));
  const whole = turn.startsWith(MARK, end) ? upTo : upTo.trimEnd();
  const said = prefill.trim();
  const isRegular =
    whole.trimEnd().endsWith(said) && whole.trimEnd().slice(0, -said.length).trimEnd() === opened.trimEnd();
  return said !== '' && end !== -1 && isRegular ? whole : opened + prefill;
}

type TemplateParts =
  'asText' | 'chatTemplate' | 'chatTemplateFile' | 'chatTemplateMissing' | 'bosToken' | 'eosToken' | 'specialTokens';

interface ChatTemplate {
  /** @param said the last turn, where it is the assistant's and already begun; without it the turn is only opened */
  readonly render: (messages: readonly Message[], said?: string) => string;
  /** Whether it leaves out earlier questions of a conversation. */
  readonly forgets: boolean;
}

/** Templates that were looked at, by their text and file: whether a template asks the question does not change. */
const looked = new Map<string, ChatTemplate>();

/** The tokenizer's chat format. @throws {StageFailure} when there is none, or when it leaves the question out */
function chatTemplate({
  chatTemplate: source,
  chatTemplateFile: file = 'this tokenizer',
  chatTemplateMissing: why = 'this tokenizer has no chat template',
  bosToken,
  eosToken,
  specialTokens = {bos_token: bosToken, eos_token: eosToken},
}: Pick<Tokenizer, TemplateParts>): ChatTemplate {
  if (source === undefined) throw new StageFailure(`${why}; use the template “zero” or “none” instead`);
  const key = JSON.stringify([file, source, specialTokens]);
  const known = looked.get(key);
  if (known !== undefined) return known;
  const template = compileOnce(source, file);
  const render = (messages: readonly Message[], said?: string): string =>
    template({
      ...specialTokens,
      messages: [...messages, ...(said === undefined ? [] : [{role: 'assistant', content: said}])].map((message) => ({
        ...message,
      })),
      // As apply_chat_template has them when there are none.
      ...{tools: null, documents: null},
      add_generation_prompt: said === undefined,
    });
  const checked = {render, forgets: tryOut(render, file).forgets};
  looked.set(key, checked);
  return checked;
}

/** Conversations that a chat format is tried out on: one question, one behind a system message, and a longer talk. */
const QUESTION = 'How many Äpfel (苹果) are 3 + 4?';
const TRIALS: readonly (readonly Message[])[] = [
  [{role: 'user', content: QUESTION}],
  [
    {role: 'system', content: 'You are brief.'},
    {role: 'user', content: QUESTION},
  ],
  [
    {role: 'user', content: 'What is “left 2”?'},
    {role: 'assistant', content: 'A move.'},
    {role: 'user', content: `  {{ x }} {% y %} 'a' "b" \\ <i>\n\n- ${QUESTION}\n🙂 end`},
  ],
];

/**
 * Renders the trials. A model that is asked without its question answers all the same, and nobody would see why it is always
 * wrong. A template may refuse a system message, or a second turn.
 *
 * @throws {StageFailure} naming the file when a question is not in what it makes
 */
function tryOut(render: ChatTemplate['render'], file: string): {forgets: boolean} {
  let forgets = false;
  TRIALS.forEach((messages, trial) => {
    let text: string;
    try {
      text = render(messages);
    } catch (error) {
      if (trial === 0) throw error;
      return; // whoever has such a conversation is told
    }
    const [last, ...others] = messages.filter(({role}) => role === 'user').reverse();
    if (!holds(text, last!.content)) {
      const where = ['', ' behind a system message', ' in a longer conversation'][trial]!;
      throw new StageFailure(
        `the chat template of ${file} leaves the question out${where}; use the template “none” instead`,
      );
    }
    forgets ||= others.some(({content}) => !holds(text, content));
  });
  return {forgets};
}

/** Whether a text is in another, be it in capitals, with other spaces, or as JSON has it. */
function holds(text: string, part: string): boolean {
  const plain = (one: string): string => one.replaceAll(/\s+/g, '').toUpperCase();
  const whole = plain(text);
  return [part, JSON.stringify(part).slice(1, -1)].some((one) => whole.includes(plain(one)));
}

/**
 * Tries out the chat format of a tokenizer that has one.
 *
 * @returns why it cannot be rendered here, where that is so: raw templates can still be used
 * @throws {StageFailure} when it leaves the question out
 */
export function checkChatTemplate(tokenizer: Tokenizer): string | undefined {
  if (tokenizer.chatTemplate === undefined) return undefined;
  const file = tokenizer.chatTemplateFile ?? 'this tokenizer';
  try {
    const {forgets} = chatTemplate(tokenizer);
    return forgets
      ? `the chat template of ${file} leaves out what was asked before; single questions are fine`
      : undefined;
  } catch (error) {
    const {message} = error as Error;
    if (!(error instanceof StageFailure) || / leaves the question out/.test(message)) throw error;
    return message;
  }
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
