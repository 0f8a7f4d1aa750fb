/** A server as it is asked: where it is, with which key, how many requests at a time, what a token costs. */
import {StageFailure} from '../../pipeline/stage.js';
import {openClient, type Client, type ServerWords} from './client.js';
import {ANSWER_LIMITS, type AnswerLimits} from './limits.js';
import {variablesOf} from './params.js';

/** Of a million tokens, in whatever money the person thinks of. */
export interface Price {
  readonly prompt: number;
  readonly completion: number;
}

export interface ServerSettings {
  /** The base of the endpoint, as `http://127.0.0.1:8000/v1`. */
  readonly address: string;
  readonly key?: string | undefined;
  /** Requests at a time. */
  readonly concurrency: number;
  /** Of one request, ms. */
  readonly timeout: number;
  readonly price?: Price | undefined;
  /** Where a person has set these. */
  readonly words: ServerWords & {readonly timeout: string; readonly request: string};
}

/** A server that can be asked; nothing has been asked yet. */
export interface Server extends Pick<ServerSettings, 'concurrency' | 'timeout' | 'price' | 'words'> {
  readonly client: Client;
  readonly limits: AnswerLimits;
  /** What a person should know of it before it is asked. */
  readonly notes: readonly string[];
}

export const CONCURRENCY = 8;
/** Seconds: 32,768 tokens at 20 a second take 27 minutes. */
export const TIMEOUT = 1_800;
const MOST_CONCURRENT = 1_024;
/** What a timer of Node can wait, s. */
const LONGEST_TIMEOUT = 2_147_483;

/** @throws {StageFailure} where the address or the key is none */
export function openServer(settings: ServerSettings, limits: AnswerLimits = ANSWER_LIMITS): Server {
  const {address, key, concurrency, timeout, price, words} = settings;
  const client = openClient({address, key, timeout, limits, words});
  const {protocol, hostname} = new URL(address);
  const isOpen = key !== undefined && protocol === 'http:' && !/^(?:localhost|127\..*|\[::1\])$/.test(hostname);
  const notes = isOpen
    ? [`${words.key} is sent to ${hostname} without encryption: whoever is on the way can read it`]
    : [];
  return {client, concurrency, timeout, price, words, limits, notes};
}

/**
 * The server of a stage, as its variables say.
 *
 * @param server the word in their names
 * @throws {StageFailure} where a variable is missing, or does not hold what it should
 */
export function serverOf(server: string, env: NodeJS.ProcessEnv = process.env): Server {
  const names = variablesOf(server);
  const address = env[names.url] ?? '';
  if (address === '')
    throw new StageFailure(
      `${names.url} is not set: it is the base of the OpenAI-compatible endpoint that answers, as http://127.0.0.1:8000/v1`,
    );
  return openServer({
    address,
    key: env[names.key],
    concurrency: numberIn(env, names.concurrency, {unless: CONCURRENCY, most: MOST_CONCURRENT}),
    timeout: 1_000 * numberIn(env, names.timeout, {unless: TIMEOUT, most: LONGEST_TIMEOUT}),
    price: priceIn(env[names.price], names.price),
    words: wordsFor({
      url: names.url,
      key: names.key,
      model: 'endpoint',
      timeout: names.timeout,
      request: 'endpointRequest',
    }),
  });
}

/** @param where the settings are, for messages */
export const wordsFor = (where: Omit<ServerSettings['words'], 'at' | 'refuses'>): ServerSettings['words'] => ({
  at: 'the endpoint',
  refuses: 'refuses to answer',
  ...where,
});

function numberIn(
  env: NodeJS.ProcessEnv,
  name: string,
  {unless, most}: {readonly unless: number; readonly most: number},
): number {
  const text = env[name]?.trim() ?? '';
  if (text === '') return unless;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new StageFailure(`${name} is a whole number from 1 to ${most}, not “${text}”`);
  return value;
}

/** @throws {StageFailure} where the text is no price. @param name where it stands */
export function priceIn(text: string | undefined, name: string): Price | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const found = /^\s*(\d+(?:\.\d+)?)\s*\/\s*(\d+(?:\.\d+)?)\s*$/.exec(text);
  if (found === null)
    throw new StageFailure(
      `${name} is what a million tokens cost, of prompts and of answers, with “/” between them, as 0.55/2.19; not “${text}”`,
    );
  return {prompt: Number(found[1]), completion: Number(found[2])};
}
