/**
 * Prompts answered by a model at an endpoint, as `rollout/` has a model of ours answer them: so many at a time, each answer kept as it
 * comes. A fault of the server is never a wrong answer: what cannot be had ends the work, and what is there is kept. A fault of the
 * model (cut off, filtered, nothing said) is an answer, and is counted as what it is.
 */
import {createHash} from 'node:crypto';
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import type {Checkpoints} from '../../pipeline/stage.js';
import type {Prompt} from '../tasks/prompt.js';
import {readCompletion} from '../text/completion.js';
import {turnsOf} from '../text/templates.js';
import type {Shot} from '../text/wording.js';
import {answerIn, isFinished, type Answer} from './answer.js';
import {inParallel} from './in-parallel.js';
import {NO_CHECKPOINTS, openJournal, type Journal} from './journal.js';
import type {EndpointParams, RequestFields} from './params.js';
import {usageOf, type Served, type Usage} from './served.js';
import type {Server} from './server.js';
import {emptyNote, usageNotes} from './usage-notes.js';

/** How a model is asked. */
export interface Asking extends Omit<EndpointParams, 'endpointServer'> {
  readonly samples: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** Tokens of the longest answer, by the tokenizer of the model, thinking included. */
  readonly maxNewTokens: number;
  /** Turns before the question, each answered. */
  readonly shots?: readonly Shot[] | undefined;
  /** Text of a turn before the question, '' for none. */
  readonly system?: string | undefined;
  /** Text behind every question. */
  readonly suffix?: string | undefined;
  /** Texts at which an answer ends; they are no part of it. */
  readonly stop?: readonly string[] | undefined;
  /** What the seeds of the requests depend on beside prompt and sample. */
  readonly key: {readonly seed: number; readonly purpose: string};
}

export interface Answered {
  /** Prompt by prompt, in their order. */
  readonly groups: Served[][];
  readonly usage: Usage;
}

export interface AnsweringOptions {
  /** Where answers are kept on the way. */
  readonly checkpoints?: Checkpoints;
  /** Ends it: with what there is kept, and `Stopped`. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many answers there are, of how many, and the tokens of all. */
  readonly done: (answers: number, total: number, tokens: number) => void;
  /** Told what a person should see, one line each. */
  readonly note: (text: string) => void;
}

/** Whoever asks for several sets of prompts one after the other keeps all answers in one place. */
export interface Answering {
  /**
   * `samples` answers to each prompt.
   *
   * @throws {StageFailure} where the server cannot be asked, refuses, or does not answer in a form that can be read; {Stopped}
   */
  answer(prompts: readonly Prompt[], asking: Asking): Promise<Answered>;
  close(): void;
}

/** Opens the answers of the newest checkpoint, if there is one; nothing is asked yet. */
export async function openAnswering(server: Server, options: AnsweringOptions): Promise<Answering> {
  const {note, checkpoints = NO_CHECKPOINTS} = options;
  const journal = await openJournal(checkpoints);
  for (const text of server.notes) note(text);
  return {
    answer: (prompts, asking) => answerAll(server, prompts, asking, {...options, journal}),
    close: () => server.client.close(),
  };
}

/** One answer that is wanted. */
interface Wanted {
  readonly prompt: Prompt;
  readonly sample: number;
  readonly body: string;
  readonly fields: RequestFields;
  /** Digest of model, messages, fields and number: equal ones of equal prompts have one answer. */
  readonly asked: string;
}

async function answerAll(
  server: Server,
  prompts: readonly Prompt[],
  asking: Asking,
  {journal, signal = new AbortController().signal, done, note}: AnsweringOptions & {readonly journal: Journal},
): Promise<Answered> {
  const {client, concurrency, limits} = server;
  if (prompts.length === 0) throw new StageFailure('there are no prompts');
  const wanted = prompts.map((prompt) =>
    Array.from({length: asking.samples}, (_, sample) => wantedOf(prompt, sample, asking)),
  );
  const all = wanted.flat();
  const waiting = new Map(all.filter(({asked}) => journal.get(asked) === undefined).map((one) => [one.asked, one]));
  const queue = [...waiting.values()];
  const earlier = all.length - queue.length;
  note(
    `${queue.length} requests to ${asking.endpoint} (${client.called}), ${concurrency} at a time` +
      (earlier === 0 ? '' : `; ${earlier} answers are there from before`),
  );
  let tokens = all.reduce((sum, {asked}) => sum + (journal.get(asked)?.tokens ?? 0), 0);
  let through = earlier;
  let refused = 0;
  let isReached = false;
  const patience = (): number => (isReached ? limits.patience : limits.firstPatience);

  /** The answer to one request. */
  const answerTo = async ({body}: Wanted, giveUp: AbortSignal): Promise<Answer> => {
    for (let times = 1; ; times++) {
      const outcome = await client.ask(body, {patience, signal: giveUp});
      isReached = true;
      switch (outcome.kind) {
        case 'answered': {
          const answer = answerIn(outcome.text);
          if (!('spoilt' in answer)) return answer;
          if (times >= limits.tries) throw new StageFailure(`${client.called} answers with ${answer.spoilt}`);
          break;
        }
        case 'timed-out':
          if (times >= limits.tries)
            throw new StageFailure(
              `${client.called} gave ${outcome.words}, ${times} times: ${server.words.timeout} allows more seconds, ` +
                'maxNewTokens asks for less',
            );
          break;
        case 'refused':
          return {text: '', finish: 'refused', why: `${outcome.status}: ${outcome.words}`};
        case 'too-long':
          return {text: '', finish: 'too-long', why: outcome.words};
      }
      await client.waitAgain(times, giveUp);
    }
  };
  const failures = await inParallel(queue, {concurrency, signal}, async (one, giveUp) => {
    const answer = await answerTo(one, giveUp);
    refused = answer.finish === 'refused' ? refused + 1 : 0;
    if (refused >= limits.refusals) throw refusal(server, `${refused} requests in a row`, answer);
    tokens += answer.tokens ?? 0;
    through += 1;
    await journal.add(one.asked, answer);
    done(through, all.length, tokens);
  });
  const groups = wanted.map((group) => group.flatMap((one) => servedOf(one, journal.get(one.asked))));
  const last = groups.flat().find(({served}) => served.finish !== 'refused');
  if (failures.length === 0 && last === undefined)
    failures.push(refusal(server, 'every request', groups[0]![0]!.served));
  if (failures.length > 0) journal.forgetRefusals();
  await journal.flush();
  if (failures.length > 0) throw signal.aborted ? new Stopped() : failures[0];
  const usage = usageOf(groups.flat(), asking.endpoint);
  for (const text of [...usageNotes(usage, server), emptyNote(groups.flat())]) if (text !== undefined) note(text);
  return {groups, usage};
}

const refusal = ({client, words}: Server, what: string, {why = ''}: Pick<Answer, 'why'>): StageFailure =>
  new StageFailure(
    `${client.called} refused ${what} (the last one with ${why}): look at ${words.model}, and at the fields of the requests, of ` +
      `which null leaves one out, as in ${words.request} {"seed": null}`,
  );

function wantedOf(prompt: Prompt, sample: number, asking: Asking): Wanted {
  const {
    endpoint: model,
    endpointRequest,
    shots = [],
    system = '',
    suffix = '',
    stop = [],
    temperature,
    topP,
    maxNewTokens,
  } = asking;
  const {seed, purpose} = asking.key;
  const messages = [
    ...(system === '' ? [] : [{role: 'system', content: system}]),
    ...turnsOf(shots, suffix),
    {role: 'user', content: `${prompt.question}${suffix}`},
  ];
  const ours: RequestFields = {
    temperature,
    top_p: topP,
    max_tokens: maxNewTokens,
    seed: seedOf([seed, purpose, prompt.id, sample]),
    ...(stop.length === 0 ? {} : {stop}),
  };
  const fields: RequestFields = Object.fromEntries(
    Object.entries({...ours, ...endpointRequest}).filter(([, value]) => value !== null),
  );
  const body = JSON.stringify({model, messages, ...fields});
  // A server that is given no seed is asked for the same several times, and may answer otherwise each time.
  const asked = createHash('sha256')
    .update(JSON.stringify([body, prompt.id, sample]))
    .digest('base64url');
  return {prompt, sample, body, fields, asked};
}

/** Of one request: servers take 31 bits without a sign. */
const seedOf = (parts: readonly (string | number)[]): number =>
  createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE() >>> 1;

function servedOf({prompt, sample, fields}: Wanted, answer: Answer | undefined): Served[] {
  if (answer === undefined) return [];
  const {text, ...by} = answer;
  const finished = isFinished(answer);
  return [{prompt, sample, finished, completion: readCompletion(text, finished), served: {...by, asked: fields}}];
}
