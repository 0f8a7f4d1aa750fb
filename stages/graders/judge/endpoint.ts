/**
 * An OpenAI-compatible endpoint: `POST /chat/completions`, as vLLM, SGLang, llama.cpp, Ollama and the services have it
 * (https://platform.openai.com/docs/api-reference/chat/create). Failures that pass are waited for, the others are told in the
 * server's words.
 */
import {setTimeout as sleep} from 'node:timers/promises';
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import type {JudgeLimits} from './limits.js';

/** What came of one request. */
export type Said =
  /** The text of the first choice. */
  | {readonly kind: 'said'; readonly text: string}
  /** There was no judgement of this request; `why` is a function of the request as far as the server is one. */
  | {readonly kind: 'none'; readonly why: string; readonly words: string}
  | {readonly kind: 'timed-out'; readonly words: string};

export interface Endpoint {
  /** For messages: the address without what may be secret. */
  readonly called: string;
  /**
   * @param body of the request, JSON
   * @param options.patience how long failures that pass are waited for, ms
   * @throws {StageFailure} where the endpoint cannot be reached, or refuses whatever it is asked; {Stopped} once the signal is aborted
   */
  ask(body: string, options: {readonly patience: number; readonly signal: AbortSignal}): Promise<Said>;
}

/** Why there is no judgement where a limit of tokens ended the judge's answer. */
export const CUT_OFF = 'the judge’s answer was cut off';

/** Of a request that another time may fare better. */
const PASSING = new Set([408, 409, 425, 429, 500, 502, 503, 504, 529]);
/** Of certificates that this machine does not trust, and that it would with the one who signed them. */
const UNKNOWN_SIGNER = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
/** Of certificates that are wrong whoever signed them. */
const WRONG_CERTIFICATE = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'ERR_TLS_CERT_ALTNAME_INVALID']);
/** What is wrong is not the one request. */
const HOPELESS = new Set([401, 402, 403, 404, 405, 407]);

/**
 * @param address the base of the endpoint, as `http://127.0.0.1:8000/v1`
 * @throws {StageFailure} where it is none
 */
export function openEndpoint({
  address,
  key,
  timeout,
  limits,
}: {
  readonly address: string;
  /** Sent as a bearer token, and written nowhere. */
  readonly key: string | undefined;
  /** Of one request, ms. */
  readonly timeout: number;
  readonly limits: JudgeLimits;
}): Endpoint {
  const {url, called} = urlOf(address);
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key))
    throw new StageFailure('JUDGE_API_KEY is empty, or holds a space, a line break or a letter that no key has');
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(key === undefined ? {} : {authorization: `Bearer ${key}`}),
  };
  /** When the endpoint asks for a pause, nobody asks it meanwhile. */
  let pauseUntil = 0;

  /** One request, or why it may be worth another. */
  const once = async (body: string, signal: AbortSignal): Promise<Said | Passing> => {
    const cut = new AbortController();
    const onAbort = (): void => cut.abort();
    const timer = setTimeout(onAbort, timeout);
    signal.addEventListener('abort', onAbort);
    try {
      const response = await fetch(url, {method: 'POST', headers, body, redirect: 'manual', signal: cut.signal});
      const text = await textOf(response, limits.longestAnswer);
      if (text === undefined)
        return {kind: 'none', why: 'the judge’s answer is too long', words: `more than ${limits.longestAnswer} bytes`};
      if (response.ok) return choiceIn(text);
      const {status} = response;
      const words = `${status}: ${wordsOf(text) || response.statusText}`;
      if (status >= 300 && status < 400)
        throw new StageFailure(
          `${called} sends its visitors to ${response.headers.get('location') ?? 'another address'} (${status}): ` +
            'put the address that it should be into R1_JUDGE_URL',
        );
      if (HOPELESS.has(status) || isSpent(text))
        throw new StageFailure(`${called} refuses to judge (${words})${remedyOf(status, url, key)}`);
      if (PASSING.has(status)) return {kind: 'passing', words, pause: pauseOf(response)};
      return {
        kind: 'none',
        why: `the judge refused the request (${status})`,
        words: wordsOf(text) || response.statusText,
      };
    } catch (error) {
      if (signal.aborted) throw new Stopped();
      const code = codeOf(error);
      // The first is our timer, as the signal has been looked at; the two codes are of limits that Node's client has besides.
      if (cut.signal.aborted || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
        return {kind: 'timed-out', words: `no answer within ${timeout} ms`};
      if (!(error instanceof TypeError)) throw error;
      const words = code ?? wordsIn(error.cause, 'message') ?? error.message;
      // An address that the client itself refuses, as of a forbidden port, does not get better by trying again.
      if (code === undefined && error.message === 'fetch failed')
        throw new StageFailure(`${called} cannot be asked (${words})`);
      if (UNKNOWN_SIGNER.has(words))
        throw new StageFailure(
          `${called} has a certificate that is not trusted here (${words}): NODE_EXTRA_CA_CERTS names the file of the one ` +
            'who signed it; set it in the environment',
        );
      if (WRONG_CERTIFICATE.has(words))
        throw new StageFailure(`${called} has a certificate that does not hold (${words})`);
      return {kind: 'passing', words, pause: undefined};
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  };

  return {
    called,
    async ask(body, {patience, signal}) {
      let wait = limits.firstWait;
      let giveUpAt: number | undefined;
      for (;;) {
        await pause(pauseUntil - performance.now(), signal);
        const said = await once(body, signal);
        if (said.kind !== 'passing') return said;
        const now = performance.now();
        giveUpAt ??= now + patience;
        if (said.pause !== undefined && said.pause > limits.longestPause)
          throw new StageFailure(
            `${called} asks for a pause of ${Math.ceil(said.pause / 1_000)} s, which is too long (${said.words})`,
          );
        if (now >= giveUpAt)
          throw new StageFailure(
            `${called} cannot be asked (${said.words}); it was tried again for ${Math.round((now - giveUpAt + patience) / 1_000)} s`,
          );
        if (said.pause !== undefined) pauseUntil = Math.max(pauseUntil, now + said.pause);
        else await pause(Math.min(wait, giveUpAt - now), signal);
        wait = Math.min(2 * wait, limits.longestWait);
      }
    },
  };
}

/** A failure that may pass, with the pause that the endpoint asks for, ms. */
interface Passing {
  readonly kind: 'passing';
  readonly words: string;
  readonly pause: number | undefined;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new Stopped();
  if (ms <= 0) return;
  await sleep(ms, undefined, {signal}).catch((error: unknown) => {
    throw signal.aborted ? new Stopped() : error;
  });
}

function urlOf(address: string): {url: string; called: string} {
  const wrong = (why: string): StageFailure =>
    new StageFailure(
      `R1_JUDGE_URL ${why}; it is the base of an OpenAI-compatible endpoint, as http://127.0.0.1:8000/v1`,
    );
  if (!URL.canParse(address)) throw wrong('is no address');
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('begins with neither http:// nor https://');
  if (url.username !== '' || url.password !== '') throw wrong('holds a password: put a key into JUDGE_API_KEY');
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '')}/chat/completions`;
  url.hash = '';
  return {url: url.href, called: `the judge at ${url.origin}${url.pathname}`};
}

/** What a body holds, or `undefined` where it is longer than may be. */
async function textOf(response: Response, most: number): Promise<string | undefined> {
  if (response.body === null) return '';
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += piece.byteLength;
    if (size > most) return undefined; // Leaving the loop ends the connection.
    pieces.push(piece);
  }
  return new TextDecoder().decode(Buffer.concat(pieces));
}

/** The first choice of a chat completion. */
function choiceIn(body: string): Said {
  const none = (why: string): Said => ({kind: 'none', why, words: shortened(body)});
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return none('the judge’s answer is no JSON');
  }
  const choice = fieldOf(fieldOf(value, 'choices'), '0');
  const content = wordsIn(fieldOf(choice, 'message'), 'content');
  const end = wordsIn(choice, 'finish_reason');
  if (end === 'length') return none(CUT_OFF);
  if (end === 'content_filter') return none('the judge’s answer was filtered out');
  if (fieldOf(choice, 'message') === undefined) return none('the judge’s answer is no chat completion');
  if (content === undefined || content.trim() === '') return none('the judge’s answer has no content');
  return {kind: 'said', text: content};
}

/** A field of a record or list, `undefined` of anything else. */
const fieldOf = (value: unknown, field: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;

/** The same where it is a text. */
function wordsIn(value: unknown, field: string): string | undefined {
  const found = fieldOf(value, field);
  return typeof found === 'string' ? found : undefined;
}

const codeOf = (error: unknown): string | undefined => wordsIn(fieldOf(error, 'cause'), 'code');

/** The server's words, out of the shapes that errors have: OpenAI's, FastAPI's, plain text. */
function wordsOf(body: string): string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return shortened(body);
  }
  const words =
    wordsIn(fieldOf(value, 'error'), 'message') ??
    wordsIn(value, 'message') ??
    wordsIn(value, 'detail') ??
    wordsIn(value, 'error');
  return shortened(words ?? body);
}

/** Whether a refusal says that there is no money left, which no waiting brings back. */
function isSpent(body: string): boolean {
  try {
    const error = fieldOf(JSON.parse(body), 'error');
    return [wordsIn(error, 'code'), wordsIn(error, 'type')].includes('insufficient_quota');
  } catch {
    return false; // Not in the form of the services that have the word.
  }
}

const MOST_WORDS = 300;
/** @returns the text on one line, of a length that a message may have */
export function shortened(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > MOST_WORDS ? `${line.slice(0, MOST_WORDS)}…` : line;
}

/** `Retry-After` in ms: seconds or a date (RFC 9110, 10.2.3). */
function pauseOf(response: Response): number | undefined {
  const said = response.headers.get('retry-after')?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(said)) return 1_000 * Number(said);
  const until = Date.parse(said);
  return Number.isNaN(until) ? undefined : Math.max(0, until - Date.now());
}

const remedyOf = (status: number, url: string, key: string | undefined): string => {
  if (status === 404)
    return /\/v\d/.test(new URL(url).pathname)
      ? ': look at R1_JUDGE_URL and judge.model'
      : ': look at R1_JUDGE_URL, which mostly ends in /v1, and judge.model';
  if (status !== 401 && status !== 403) return '';
  return key === undefined
    ? ': it may want a key; set JUDGE_API_KEY in the environment, and hand it on to the stages of a run with passEnv'
    : ': the key in JUDGE_API_KEY may not be the right one';
};
