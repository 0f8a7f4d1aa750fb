/** `r1 chat`: a conversation with a model on the terminal, or one answer for a question that was typed along or piped in. */
import {createInterface} from 'node:readline';
import {Command} from 'commander';
import type {Chat} from '../../stages/chat.js';
import {withGlobals} from '../globals.js';
import {withModelFolder} from '../modelfolder.js';
import type {GlobalOptions, Services} from '../services.js';
import {samplingOf, withSampling} from './sampling-options.js';
import type {SamplingFlags} from './sampling-options.js';

type Message = Parameters<Chat['reply']>[0][number];

export const chatCommand = (services: Services): Command =>
  withSampling(
    withGlobals(new Command('chat'), [
      'r1 chat all-scenario-rl',
      'r1 chat all-scenario-rl "left 3 , right 5 . left up 2 . right down 1 . now ?"',
      'r1 chat zero-rl --template tiny-zero --temperature 1 --seed 7',
    ]),
  )
    .description('talk to a model; words given along, or lines piped in, are answered one by one')
    .argument('<model>', '[run/]node, @digest, @tag, or the folder of a model (has a slash)')
    .argument('[question]', 'ask this and end')
    .action(async (reference: string, question: string | undefined, options: GlobalOptions & SamplingFlags) => {
      const {openChat} = await import('../../stages/chat.js');
      await withModelFolder(services, options, reference, async (folder) => {
        const chat = await openChat(folder, samplingOf(options, Number.MAX_SAFE_INTEGER));
        try {
          if (question !== undefined) await answer(services, options, chat, [{role: 'user', content: question}], 0);
          else await converse(services, options, chat);
        } finally {
          chat.close();
        }
      });
    });

async function converse(services: Services, options: GlobalOptions, chat: Chat): Promise<void> {
  const typed = process.stdin.isTTY;
  if (typed) services.complain('An empty line ends the conversation; “/new” forgets what was said.');
  const lines = createInterface({input: process.stdin, output: process.stderr, prompt: '> ', terminal: typed});
  let messages: Message[] = [];
  let turn = 0;
  if (typed) lines.prompt();
  for await (const line of lines) {
    if (line.trim() === '' && typed) break;
    if (line.trim() === '/new') messages = [];
    else if (line.trim() !== '') {
      // A pipe asks unrelated questions; a person goes on with what was said.
      const asked: Message[] = [...(typed ? messages : []), {role: 'user', content: line}];
      const text = await answer(services, options, chat, asked, turn++);
      messages = [...asked, {role: 'assistant', content: text}];
    }
    if (typed) lines.prompt();
  }
  lines.close();
}

/** Streams one reply and returns it whole. */
async function answer(
  services: Services,
  options: GlobalOptions,
  chat: Chat,
  messages: readonly Message[],
  turn: number,
): Promise<string> {
  const reply = chat.reply(messages, turn);
  let text = '';
  for (;;) {
    const next = await reply.next();
    if (next.done === true) {
      const {tokens, finished} = next.value;
      if (options.json === true)
        services.say(JSON.stringify({question: messages.at(-1)!.content, response: text, tokens, finished}));
      else {
        services.say('');
        if (!finished) services.complain(`(cut off after ${tokens} tokens; --max-tokens allows more)`);
      }
      return text;
    }
    text += next.value;
    if (options.json !== true) services.stream(next.value);
  }
}
