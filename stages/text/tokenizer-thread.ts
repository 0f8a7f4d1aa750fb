/** The thread of guarded-tokenizer.ts: opens a tokenizer and answers one request after another, saying what it is at. */
import {parentPort, workerData} from 'node:worker_threads';
import {readTokens} from './drawn.js';
import {renderConversation} from './templates.js';
import {PHASES} from './tokenizer-messages.js';
import type {Reply, Request, ThreadData} from './tokenizer-messages.js';
import {openTokenizer} from './tokenizer.js';
import type {Tokenizer} from './tokenizer.js';

const {folder, specialInPrompts, phase} = workerData as ThreadData;
const port = parentPort;
if (port === null) throw new Error('Internal error: tokenizer-thread.js was started outside a thread');

const at = (name: (typeof PHASES)[number]): void => void Atomics.store(phase, 0, PHASES.indexOf(name));

const answer = async (make: () => Reply | Promise<Reply>): Promise<void> => {
  let reply: Reply;
  try {
    reply = await make();
  } catch (error) {
    const {name, message, stack} = error as Error;
    const isFault = name === 'StageFailure';
    reply = {type: 'thrown', isFault, message: isFault ? message : (stack ?? message)};
  }
  port.postMessage(reply);
};

function carryOut(tokenizer: Tokenizer, request: Request): Reply {
  switch (request.type) {
    case 'prompt': {
      const {template, messages, asked} = request;
      at('rendering');
      const text = renderConversation(tokenizer, template, messages, asked);
      at('encoding');
      return {type: 'ids', ids: tokenizer.encode(text, {addSpecial: template !== 'chat'})};
    }
    case 'decode':
      at('decoding');
      return {type: 'text', text: tokenizer.decode(request.ids)};
    case 'read':
      at('decoding');
      return {type: 'drawn', drawn: readTokens(tokenizer, request.drawn, request.ends)};
  }
}

void answer(async () => {
  const tokenizer = await openTokenizer(folder, {specialInPrompts});
  port.on('message', (request: Request) => void answer(() => carryOut(tokenizer, request)));
  const {size, eosId, endIds, padId, notes, chatTemplateFile: templateFile = folder} = tokenizer;
  return {type: 'opened', size, eosId, endIds, padId, notes, templateFile};
});
