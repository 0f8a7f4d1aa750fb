/** `r1 chat`: a conversation with a model on the terminal, or one answer for a question that was typed along or piped in. */
import {createInterface} from 'node:readline';
import {Command} from 'commander';
import type {Chat} from '../../stages/evaluation/chat.js';
import {withGlobals} from '../options/global-options.js';
import {withModelFolder} from '../access/model-folder.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {askedAsText, originText} from '../render/model-origin.js';
import {linesOf} from '../terminal/lines-of.js';
import {USUAL_TEMPLATE, samplingOf, withSampling} from '../options/sampling-options.js';
import type {SamplingFlags} from '../options/sampling-options.js';

interface ChatOptions extends GlobalOptions, SamplingFlags {
  readonly conversation?: boolean;
}

type Message = Parameters<Chat['reply']>[0][number];

export const chatCommand = (services: Services): Command =>
  withSampling(
    withGlobals(new Command('chat'), [
      'r1 chat all-scenario-rl',
      'r1 chat all-scenario-rl "left 3 , right 5 . left up 2 . right down 1 . now ?"',
      'r1 chat zero-rl --temperature 1 --seed 7',
    ]),
  )
    .description(
      'talk to a model: interactively, with one question, or with questions on stdin: each line is asked by itself, and --json gives a line for each reply',
    )
    .argument('<model>', '[run/]node, @digest, @tag, the folder of a model (has a slash), or a .gguf file')
    .argument('[question]', 'ask this and exit')
    .option('--conversation', 'keep what was said before, although the model was trained on single questions')
    .action(async (reference: string, question: string | undefined, options: ChatOptions) => {
      const {openChat} = await import('../../stages/evaluation/chat.js');
      await withModelFolder(services, options, reference, async (folder, stop, origin) => {
        const sampling = samplingOf(options, {
          ...{room: Number.MAX_SAFE_INTEGER, note: services.complain},
          trained: origin?.asked,
        });
        const isTyped = question === undefined && process.stdin.isTTY;
        if (isTyped && origin !== undefined) services.complain(originText(origin, services.progressWidth));
        // Where nothing but an answer is wanted, what goes without saying is not said.
        const how = origin === undefined ? undefined : askedAsText(sampling, origin);
        if (how !== undefined && (isTyped || how !== `asked as it was trained: ${USUAL_TEMPLATE}`))
          services.complain(how);
        const chat = await openChat(folder, sampling, stop);
        try {
          if (question !== undefined) {
            await answer(services, options, chat.reply([{role: 'user', content: question}], 0, stop), question, stop);
          } else if (isTyped) {
            const isOneTurn = options.conversation !== true && origin?.steps.some(({trains}) => trains) === true;
            await converse(services, options, {chat, isOneTurn}, stop);
          } else await answerLines(services, options, chat, stop);
        } finally {
          await chat.close();
        }
      });
    });

/** A pipe asks unrelated questions. */
async function answerLines(services: Services, options: GlobalOptions, chat: Chat, stop: AbortSignal): Promise<void> {
  let turn = 0;
  for await (const line of linesOf(process.stdin, stop))
    if (line.trim() !== '' && line.trim() !== '/new')
      await answer(services, options, chat.reply([{role: 'user', content: line}], turn++, stop), line, stop);
}

/** A person continues the conversation, unless the model has never seen more than one turn. */
async function converse(
  services: Services,
  options: GlobalOptions,
  {chat, isOneTurn}: {readonly chat: Chat; readonly isOneTurn: boolean},
  stop: AbortSignal,
): Promise<void> {
  services.complain(
    isOneTurn
      ? 'Each line is asked by itself, since the model was trained on single questions; --conversation keeps what was said.\n' +
          'An empty line ends, Ctrl-C stops a reply.'
      : 'An empty line ends the conversation, “/new” forgets what was said, Ctrl-C stops a reply.',
  );
  const lines = createInterface({input: process.stdin, output: process.stderr, prompt: '> ', terminal: true});
  let replying: AbortController | undefined;
  // On a terminal in raw mode Ctrl-C is a key, not a signal.
  lines.on('SIGINT', () => (replying === undefined ? lines.close() : replying.abort()));
  stop.addEventListener('abort', () => lines.close());
  const session = {open: true};
  lines.once('close', () => (session.open = false));
  let messages: Message[] = [];
  let turn = 0;
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() === '') break;
    if (line.trim() === '/new') messages = [];
    else {
      const asked: Message[] = [...messages, {role: 'user', content: line}];
      replying = new AbortController();
      const until = AbortSignal.any([stop, replying.signal]);
      try {
        const text = await answer(services, options, chat.reply(asked, turn++, until), line, until);
        messages = isOneTurn ? [] : [...asked, {role: 'assistant', content: text}];
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'StageFailure') throw error;
        services.complain(`${error.message}; “/new” starts over`);
      }
      replying = undefined;
    }
    if (stop.aborted) break;
    // Somebody may have typed Ctrl-D during the reply.
    if (session.open) lines.prompt();
  }
  lines.close();
  services.complain('');
}

/** Streams one reply and returns it whole, or as much of it as there was before `stop`. */
async function answer(
  services: Services,
  options: GlobalOptions,
  reply: ReturnType<Chat['reply']>,
  question: string,
  stop: AbortSignal,
): Promise<string> {
  let text = '';
  const end = ({tokens, finished}: {tokens: number; finished: boolean}): string => {
    if (options.json === true) services.say(JSON.stringify({question, response: text, tokens, finished}));
    else services.say('');
    return text;
  };
  let tokens = 0;
  for (;;) {
    const next = await reply.next();
    if (next.done === true) {
      const {finished} = next.value;
      if (!finished && !stop.aborted && options.json !== true)
        services.complain(`\n(cut off after ${next.value.tokens} tokens; --max-tokens allows more)`);
      return end(next.value);
    }
    text += next.value.text;
    tokens = next.value.tokens;
    if (options.json !== true) services.stream(next.value.text);
    if (stop.aborted) return end({tokens, finished: false});
  }
}
