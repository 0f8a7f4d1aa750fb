/** Conversations as lists of messages: of role and content (OpenAI), or of from and value (ShareGPT). */
import {Unusable} from './unusable.js';
import {isFields, isList, kindOf} from './values.js';
import type {Fields, Value} from './values.js';

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly text: string;
}

export interface Conversation {
  /** What the system says before it. */
  readonly system: string | undefined;
  /** Turns before the last question. */
  readonly before: readonly Turn[];
  /** The last thing that the user says. */
  readonly question: string;
  /** What follows it, if anything does. */
  readonly reply: string | undefined;
  /** Beside the reply, as `reasoning_content` in its message. */
  readonly thinking: string | undefined;
}

const ROLES: Readonly<Record<string, 'system' | 'user' | 'assistant'>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  human: 'user',
  prompter: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  chatgpt: 'assistant',
  bard: 'assistant',
  bing: 'assistant',
  model: 'assistant',
  bot: 'assistant',
};

/** @throws {Unusable} it is no such list, has a role of another kind (tools), no question, or two turns of one role in a row */
export function conversationIn(list: readonly Value[], name: string, at: string): Conversation {
  const turns: {role: 'system' | 'user' | 'assistant'; text: string; thinking: string | undefined}[] = list.map(
    (message, index) => {
      const place = `${at}: “${name}.${index}”`;
      if (!isFields(message))
        throw new Unusable(
          `${place} must be a message with role and content, or from and value, and is ${kindOf(message)}`,
          'no messages',
        );
      const said = message['role'] ?? message['from'];
      const role =
        typeof said === 'string' && Object.hasOwn(ROLES, said.toLowerCase()) ? ROLES[said.toLowerCase()] : undefined;
      if (role === undefined)
        throw new Unusable(
          `${place}: a turn is of system, user or assistant, and this one of ${typeof said === 'string' ? `“${said}”` : kindOf(said)}`,
          'turns of other roles',
        );
      return {role, text: contentOf(message, place), thinking: thinkingOf(message)};
    },
  );
  const system = turns.filter(({role}) => role === 'system').map(({text}) => text);
  const spoken = turns.filter(({role}) => role !== 'system');
  const twice = spoken.findIndex(({role}, index) => spoken[index + 1]?.role === role);
  if (twice !== -1)
    throw new Unusable(`${at}: “${name}” has two turns of the ${spoken[twice]!.role} in a row`, 'two turns in a row');
  const last = spoken.findLastIndex(({role}) => role === 'user');
  if (last === -1 || spoken[last]!.text.trim() === '')
    throw new Unusable(`${at}: “${name}” has no turn of the user that says something`, 'no question');
  const reply = spoken[last + 1];
  return {
    system: system.length === 0 ? undefined : system.join('\n\n'),
    before: spoken.slice(0, last).map(({role, text}) => ({role: role as Turn['role'], text})),
    question: spoken[last]!.text,
    reply: reply === undefined || reply.text.trim() === '' ? undefined : reply.text,
    thinking: reply?.thinking,
  };
}

/** A text, or OpenAI's list of parts, of which all are texts. */
function contentOf(message: Fields, place: string): string {
  const content = message['content'] ?? message['value'];
  if (typeof content === 'string') return content;
  if (isList(content)) {
    const texts = content.map((part) =>
      isFields(part) && typeof part['text'] === 'string' ? part['text'] : undefined,
    );
    if (texts.every((text) => text !== undefined)) return texts.join('');
    throw new Unusable(`${place} has parts that are no texts (pictures, sounds)`, 'parts that are no texts');
  }
  throw new Unusable(`${place}: its content must be a text, and is ${kindOf(content)}`, 'no messages');
}

function thinkingOf(message: Fields): string | undefined {
  const thinking = message['reasoning_content'] ?? message['thinking'];
  return typeof thinking === 'string' && thinking.trim() !== '' ? thinking : undefined;
}
