/** What the answer of a server holds: one chat completion, in one piece or as a stream of events. */
import {wordsOf} from './client.js';
import {fieldOf, jsonIn, wordsIn} from './fields.js';
import {shortened} from './printable.js';

/** An answer to one request; kept as it is. */
export interface Answer {
  /** What the model wrote. Thinking that came apart from it stands before it, as `<think> … </think>`. */
  readonly text: string;
  /** Why it ended, in the server's word, or r1's where there is no answer: `refused`, `too-long`. */
  readonly finish: string;
  /** The server's or r1's words on it, where there is no text. */
  readonly why?: string;
  /** The model that answered, as the server says. */
  readonly model?: string;
  /** As the server counts, with its tokenizer. */
  readonly promptTokens?: number;
  readonly tokens?: number;
}

/** Whether a model came to its end: not where a limit or a filter ended it, and not where there is no answer. */
export const isFinished = ({finish}: Pick<Answer, 'finish'>): boolean => !UNFINISHED.has(finish);
const UNFINISHED = new Set(['length', 'content_filter', 'refused', 'too-long']);

/** What cannot be read as an answer: another try may bring one. */
export interface Spoilt {
  readonly spoilt: string;
}

/** @param body of a response that says that all is well */
export function answerIn(body: string): Answer | Spoilt {
  const completion = /^\s*(?:data|event|id|retry)?:/.test(body) ? eventsIn(body) : wholeIn(body);
  if ('spoilt' in completion) return completion;
  const {content, thinking, finish, model, usage} = completion;
  const text = wellFormed(withThinking(content, thinking, finish));
  const [promptTokens, tokens] = [countIn(usage, 'prompt_tokens'), countIn(usage, 'completion_tokens')];
  return {
    text,
    finish: shortened(finish, LONGEST_WORD),
    ...(model === undefined ? {} : {model: shortened(model)}),
    ...(promptTokens === undefined ? {} : {promptTokens}),
    ...(tokens === undefined ? {} : {tokens}),
  };
}

const LONGEST_WORD = 40;

/** JSON can carry halves of characters, which no tokenizer and no file can; they become U+FFFD. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

interface ChatCompletion {
  readonly content: string;
  readonly thinking: string;
  readonly finish: string;
  readonly model: string | undefined;
  readonly usage: unknown;
}

/** In one piece. */
function wholeIn(body: string): ChatCompletion | Spoilt {
  const read = jsonIn(body);
  if (read === undefined)
    return {
      spoilt: `${/^\s*</.test(body) ? 'a page, no JSON' : 'no JSON, or a part of it'}: ${shortened(body) || 'nothing'}`,
    };
  const {value} = read;
  const choice = fieldOf(fieldOf(value, 'choices'), '0');
  const message = fieldOf(choice, 'message');
  if (typeof message !== 'object' || message === null) return {spoilt: `no chat completion: ${wordsOf(body)}`};
  const finish = wordsIn(choice, 'finish_reason');
  if (finish === 'error') return {spoilt: `an answer that failed: ${wordsOf(body)}`};
  const {text, thinking} = partsOf(fieldOf(message, 'content'));
  const calls = fieldOf(message, 'tool_calls');
  return {
    content: text === '' ? (wordsIn(message, 'refusal') ?? '') : text,
    thinking: wordsIn(message, 'reasoning_content') ?? wordsIn(message, 'reasoning') ?? thinking,
    finish: finish ?? (Array.isArray(calls) && calls.length > 0 ? 'tool_calls' : 'stop'),
    model: wordsIn(value, 'model'),
    usage: fieldOf(value, 'usage'),
  };
}

/** Content is a text, or a list of parts, of which some may be thinking. */
function partsOf(content: unknown): {readonly text: string; readonly thinking: string} {
  if (typeof content === 'string') return {text: content, thinking: ''};
  if (!Array.isArray(content)) return {text: '', thinking: ''};
  const parts = content as readonly unknown[];
  const thoughts = parts.map((part) => {
    const found = fieldOf(part, 'thinking');
    return typeof found === 'string' ? found : partsOf(found).text;
  });
  return {text: parts.map((part) => wordsIn(part, 'text') ?? '').join(''), thinking: thoughts.join('')};
}

/** Server-sent events, whether they were asked for or not (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
function eventsIn(body: string): ChatCompletion | Spoilt {
  let [content, thinking, isCalling] = ['', '', false];
  let [finish, model, usage]: [string | undefined, string | undefined, unknown] = [undefined, undefined, undefined];
  let isDone = false;
  for (const line of body.split(/\r\n|\n|\r/)) {
    if (!line.startsWith('data:')) continue;
    const data = line.slice('data:'.length).trim();
    if (data === '[DONE]') {
      isDone = true;
      continue;
    }
    const read = jsonIn(data);
    if (read === undefined) return {spoilt: `an event that is no JSON: ${shortened(data)}`};
    const {value} = read;
    if (fieldOf(value, 'error') !== undefined) return {spoilt: `an answer that failed: ${wordsOf(data)}`};
    const choice = fieldOf(fieldOf(value, 'choices'), '0');
    const delta = fieldOf(choice, 'delta');
    const {text, thinking: thought} = partsOf(fieldOf(delta, 'content'));
    content += text;
    thinking += wordsIn(delta, 'reasoning_content') ?? wordsIn(delta, 'reasoning') ?? thought;
    isCalling ||= Array.isArray(fieldOf(delta, 'tool_calls'));
    finish = wordsIn(choice, 'finish_reason') ?? finish;
    model = wordsIn(value, 'model') ?? model;
    const counted = fieldOf(value, 'usage');
    if (typeof counted === 'object' && counted !== null) usage = counted;
  }
  if (finish === 'error') return {spoilt: 'an answer that failed'};
  if (finish === undefined && !isDone)
    return {spoilt: `a stream that broke off after ${shortened(content, 80) || 'nothing'}`};
  return {content, thinking, finish: finish ?? (isCalling ? 'tool_calls' : 'stop'), model, usage};
}

/** One text, as a model writes it whose thinking no server takes apart: the reader of completions knows this form. */
function withThinking(content: string, thinking: string, finish: string): string {
  const thought = thinking.trim();
  if (thought === '' || /^\s*<think>/.test(content)) return content;
  // Cut off before it came to an answer: nothing has closed it.
  if (content.trim() === '' && finish === 'length') return `<think>\n${thought}`;
  return `<think>\n${thought}\n</think>\n\n${content.trimStart()}`;
}

/** Counts of a server that cannot be are none. */
function countIn(usage: unknown, field: string): number | undefined {
  const value = fieldOf(usage, field);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
