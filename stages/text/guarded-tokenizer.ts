/**
 * A tokenizer and its chat template in a thread that can be ended. Both come with a model from anywhere, and either may
 * loop: a template by its loops, a pattern by backtracking. A stage has a process of its own, which can be killed; whoever
 * talks to a model sits before this one, and Ctrl-C is heard only while its main thread is free.
 */
import {Worker} from 'node:worker_threads';
import {StageFailure} from '../../pipeline/stage.js';
import type {DrawnText, DrawnTokens, Ends} from './drawn.js';
import type {TemplateName} from './template-names.js';
import type {Asked, Message} from './templates.js';
import {PHASES} from './tokenizer-messages.js';
import type {Reply, Request, ThreadData} from './tokenizer-messages.js';
import {NO_WORDING} from './wording.js';

export interface GuardedTokenizer {
  /** One more than the largest id. */
  readonly size: number;
  readonly eosId: number;
  /** Each of these ends a response. */
  readonly endIds: readonly number[];
  /** What a person should hear of it, one line each. */
  readonly notes: readonly string[];
  readonly padId: number;
  /**
   * Ids of what the model is asked: a conversation in its chat format, or the last message in another template.
   * @param about.asked what is said around the questions, and what the reply is made to begin with
   * @throws {StageFailure} for what is wrong with the template, and when one of the two does not come to an end
   */
  encodePrompt(
    template: TemplateName,
    messages: readonly Message[],
    about?: {readonly asked?: Asked; readonly signal?: AbortSignal | undefined},
  ): Promise<number[]>;
  decode(ids: readonly number[], signal?: AbortSignal): Promise<string>;
  /** What counts of tokens that were drawn: see `readTokens`. */
  read(drawn: DrawnTokens, ends: Ends, signal?: AbortSignal): Promise<DrawnText>;
  close(): Promise<void>;
}

export interface GuardOptions {
  /** Ends the thread; what was asked of it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Time for one text, ms; longer ones get more. */
  readonly limitMs?: number;
  readonly specialInPrompts?: boolean;
}

const LIMIT = 5000;
/** A long text gets so many more ms for each character, or token. */
const MORE = 0.1;
/** A tokenizer of 200,000 entries opens in about a second; on a busy machine in a few. */
const OPENING = 60_000;

/** @throws {StageFailure} when the folder holds no tokenizer that can be read */
export async function openGuardedTokenizer(
  folder: string,
  {signal, limitMs = LIMIT, specialInPrompts = false}: GuardOptions = {},
): Promise<GuardedTokenizer> {
  const phase = new Int32Array(new SharedArrayBuffer(4));
  const open = async (until: AbortSignal | undefined) => {
    const thread = new Worker(new URL('./tokenizer-thread.js', import.meta.url), {
      workerData: {folder, specialInPrompts, phase} satisfies ThreadData,
    });
    const late = () => `${folder}/tokenizer.json could not be opened in ${OPENING / 1000} s`;
    const reply = await replyOf(thread, {signal: until, limitMs: OPENING, late});
    return {thread, opened: answerIn(reply, 'opened')};
  };
  const first = await open(signal);
  const {size, eosId, endIds, padId, notes, templateFile} = first.opened;
  let thread: Worker | undefined = first.thread;

  async function ask(request: Request, size: number, until = signal): Promise<Reply> {
    until?.throwIfAborted();
    // The one before was ended in the middle of something.
    const asked = thread ?? (await open(until)).thread;
    thread = undefined;
    const limit = limitMs + MORE * size;
    const late = () => lateText(PHASES[Atomics.load(phase, 0)]!, {folder, templateFile, limit});
    const reply = replyOf(asked, {signal: until, limitMs: limit, late});
    asked.postMessage(request);
    const answer = await reply;
    thread = asked;
    return answer;
  }

  return {
    size,
    eosId,
    endIds,
    notes,
    padId,
    async encodePrompt(template, messages, {asked = NO_WORDING, signal: until} = {}) {
      const {shots, system, suffix, prefill} = asked;
      const turns = shots.flatMap(({question, response}) => [question, response, suffix]);
      const size = [system, suffix, prefill, ...turns, ...messages.map(({content}) => content)].join('').length;
      const reply = await ask(
        {type: 'prompt', template, messages, asked: {shots, system, suffix, prefill}},
        size,
        until,
      );
      return answerIn(reply, 'ids').ids;
    },
    async decode(ids, until) {
      const reply = await ask({type: 'decode', ids}, ids.length, until);
      return answerIn(reply, 'text').text;
    },
    async read({promptTokens, tokens, finished}, {prefill, stop}, until) {
      // It is decoded again for as many parts of it as there are halvings.
      const size = tokens.length * (stop.length === 0 ? 1 : 1 + Math.ceil(Math.log2(tokens.length + 1)));
      const drawn = {promptTokens, tokens, finished};
      const reply = await ask({type: 'read', drawn, ends: {prefill, stop}}, size, until);
      return answerIn(reply, 'drawn').drawn;
    },
    async close() {
      await thread?.terminate();
    },
  };
}

/** @throws what was thrown in the thread, which is as good as before */
function answerIn<T extends Reply['type']>(reply: Reply, type: T): Extract<Reply, {type: T}> {
  if (reply.type === type) return reply as Extract<Reply, {type: T}>;
  const {isFault, message} = reply as Extract<Reply, {type: 'thrown'}>;
  throw isFault ? new StageFailure(message) : new Error(`Internal error: ${message}`);
}

/** The next reply of a thread, which is ended when there is none in time, or nobody waits for it any more. */
function replyOf(
  thread: Worker,
  {signal, limitMs, late}: {signal: AbortSignal | undefined; limitMs: number; late: () => string},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      thread.off('message', onMessage).off('error', onError);
      settled();
    };
    /** The reason is given when the thread is no more: a process does not end while one of its threads is in a loop. */
    const end = (error: unknown): void => settle(() => void thread.terminate().then(() => reject(error as Error)));
    const onAbort = (): void => end(signal!.reason);
    const timer = setTimeout(() => end(new StageFailure(late())), limitMs);
    const onError = (error: NodeJS.ErrnoException): void =>
      end(
        error.code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? new StageFailure(`${late()}, nor in the memory that it has`)
          : error,
      );
    const onMessage = (reply: Reply): void => settle(() => resolve(reply));
    thread.on('message', onMessage).on('error', onError);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, {once: true});
  });
}

interface Late {
  readonly folder: string;
  readonly templateFile: string;
  readonly limit: number;
}

/** Which file does not come to an end, and what to do. */
function lateText(phase: (typeof PHASES)[number], {folder, templateFile, limit}: Late): string {
  const seconds = `${Math.round(limit / 100) / 10} s`;
  switch (phase) {
    case 'rendering':
      return (
        `the chat template of ${templateFile} did not come to an end in ${seconds}: one of its loops may be endless; ` +
        'mend it, or use another template (--template none)'
      );
    case 'encoding':
    case 'decoding':
      return (
        `${folder}/tokenizer.json did not come to an end in ${seconds} of ${phase} one text: one of its patterns may ` +
        'backtrack without end; compare the file with that of the model’s author'
      );
  }
}
