/**
 * A client of an OpenAI-compatible server: `POST /chat/completions`, as vLLM, SGLang, llama.cpp, Ollama and the services have it
 * (https://platform.openai.com/docs/api-reference/chat/create). Failures that pass are waited for, the others are told in the
 * server's words. What an answer holds is read by whoever asks.
 */
import {setTimeout as sleep} from 'node:timers/promises';
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import {fieldOf, jsonIn, wordsIn} from './fields.js';
import type {ClientLimits} from './limits.js';
import {openConnections, type Reply} from './post.js';
import {shortened} from './printable.js';

/** What came of one request. */
export type Outcome =
  /** A body, with a status that says that all is well. */
  | {readonly kind: 'answered'; readonly text: string}
  /** This request is refused, and will be whenever it is made. */
  | {readonly kind: 'refused'; readonly status: number; readonly words: string}
  | {readonly kind: 'too-long'; readonly words: string}
  | {readonly kind: 'timed-out'; readonly words: string};

/** What a person calls the server, and where its settings are. */
export interface ServerWords {
  /** “the judge at”, before the address. */
  readonly at: string;
  /** “refuses to judge”. */
  readonly refuses: string;
  /** Where the address is set: a variable, an option. */
  readonly url: string;
  /** The variable that holds the key. */
  readonly key: string;
  /** Where the model is named. */
  readonly model: string;
}

export interface Client {
  /** For messages: the address without what may be secret. */
  readonly called: string;
  /**
   * Makes a request, again and again where a failure may pass.
   *
   * @param body of the request, JSON
   * @param options.patience how long failures that pass are waited for, ms, counted from the first one
   * @throws {StageFailure} where the server cannot be reached, or refuses whatever it is asked; {Stopped} once the signal is aborted
   */
  ask(body: string, options: {readonly patience: () => number; readonly signal: AbortSignal}): Promise<Outcome>;
  /** Waits before a request is repeated for a reason that only its reader knows. @param times that it was made */
  waitAgain(times: number, signal: AbortSignal): Promise<void>;
  /** Ends connections that are kept. */
  close(): void;
}

/** Of a request that another time may fare better. */
const PASSING = new Set([408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]);
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
/** Waits differ by this share, so that requests that failed together are not repeated together. */
const JITTER = 0.25;

/**
 * @param address the base of the server, as `http://127.0.0.1:8000/v1`
 * @throws {StageFailure} where it is none, or the key is none
 */
export function openClient({
  address,
  key,
  timeout,
  limits,
  words: named,
}: {
  readonly address: string;
  /** Sent as a bearer token, and written nowhere. */
  readonly key: string | undefined;
  /** Of one request, ms. */
  readonly timeout: number;
  readonly limits: ClientLimits;
  readonly words: ServerWords;
}): Client {
  const {url, called} = urlOf(address, named);
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key))
    throw new StageFailure(`${named.key} is empty, or holds a space, a line break or a letter that no key has`);
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(key === undefined ? {} : {authorization: `Bearer ${key}`}),
  };
  const connections = openConnections(url);
  /** When the server asks for a pause, nobody asks it meanwhile. */
  let pauseUntil = 0;
  const jittered = (ms: number): number => ms * (1 + JITTER * (2 * Math.random() - 1));

  /** One request, or why it may be worth another. */
  const once = async (body: string, signal: AbortSignal): Promise<Outcome | Passing> => {
    const cut = new AbortController();
    const onAbort = (): void => cut.abort();
    const timer = setTimeout(onAbort, timeout);
    signal.addEventListener('abort', onAbort);
    try {
      const reply = await connections.post(body, {headers, longest: limits.longestAnswer, signal: cut.signal});
      if (reply.text === undefined) return {kind: 'too-long', words: `more than ${limits.longestAnswer} bytes`};
      return outcomeOf({...reply, text: withoutKey(reply.text, key)});
    } catch (error) {
      if (error instanceof StageFailure) throw error;
      if (signal.aborted) throw new Stopped();
      // As the signal has been looked at, it was our timer.
      if (cut.signal.aborted) return {kind: 'timed-out', words: `no answer within ${timeout} ms`};
      return passingOf(error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  };

  const outcomeOf = ({status, reason, headers: said, text}: Reply & {readonly text: string}): Outcome | Passing => {
    if (status >= 200 && status < 300) return {kind: 'answered', text};
    const told = wordsOf(text) || shortened(reason);
    const words = `${status}: ${told}`;
    if (status >= 300 && status < 400)
      throw new StageFailure(
        `${called} sends its visitors to ${shortened(said.location ?? 'another address')} (${status}): ` +
          `put the address that it should be into ${named.url}`,
      );
    if (HOPELESS.has(status) || isSpent(text))
      throw new StageFailure(`${called} ${named.refuses} (${words})${remedyOf(status, {url, key, named})}`);
    if (PASSING.has(status)) return {kind: 'passing', words, pause: pauseOf(said['retry-after'])};
    return {kind: 'refused', status, words: told};
  };

  /** Of a connection that could not be made, or broke. @throws {StageFailure} where the next one will fare no better */
  const passingOf = (error: unknown): Passing => {
    const code = wordsIn(error, 'code');
    if (!(error instanceof Error) || code === undefined) throw error;
    if (UNKNOWN_SIGNER.has(code))
      throw new StageFailure(
        `${called} has a certificate that is not trusted here (${code}): NODE_EXTRA_CA_CERTS names the file of the one ` +
          'who signed it; set it in the environment',
      );
    if (WRONG_CERTIFICATE.has(code)) throw new StageFailure(`${called} has a certificate that does not hold (${code})`);
    return {kind: 'passing', words: code, pause: undefined};
  };

  return {
    called,
    async ask(body, {patience, signal}) {
      let wait = limits.firstWait;
      let failedAt: number | undefined;
      for (;;) {
        await pause(pauseUntil - performance.now(), signal);
        const said = await once(body, signal);
        if (said.kind !== 'passing') return said;
        const now = performance.now();
        failedAt ??= now;
        if (said.pause !== undefined && said.pause > limits.longestPause)
          throw new StageFailure(
            `${called} asks for a pause of ${Math.ceil(said.pause / 1_000)} s, which is too long (${said.words})`,
          );
        const giveUpAt = failedAt + patience();
        if (now >= giveUpAt)
          throw new StageFailure(
            `${called} cannot be asked (${said.words}); it was tried again for ${Math.round((now - failedAt) / 1_000)} s`,
          );
        if (said.pause !== undefined) pauseUntil = Math.max(pauseUntil, now + said.pause);
        else await pause(Math.min(jittered(wait), giveUpAt - now), signal);
        wait = Math.min(2 * wait, limits.longestWait);
      }
    },
    waitAgain: (times, signal) =>
      pause(jittered(Math.min(limits.firstWait * 2 ** (times - 1), limits.longestWait)), signal),
    close: () => connections.close(),
  };
}

/** A failure that may pass, with the pause that the server asks for, ms. */
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

function urlOf(address: string, named: ServerWords): {url: URL; called: string} {
  const wrong = (why: string): StageFailure =>
    new StageFailure(
      `${named.url} ${why}; it is the base of an OpenAI-compatible endpoint, as http://127.0.0.1:8000/v1`,
    );
  if (!URL.canParse(address)) throw wrong('is no address');
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('begins with neither http:// nor https://');
  if (url.username !== '' || url.password !== '') throw wrong(`holds a password: put a key into ${named.key}`);
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '')}/chat/completions`;
  url.hash = '';
  return {url, called: `${named.at} ${url.origin}${url.pathname}`};
}

/** Some servers repeat the key that they do not like; it is to be seen nowhere. */
const withoutKey = (text: string, key: string | undefined): string =>
  key === undefined || key.length < SHORTEST_SECRET ? text : text.replaceAll(key, '(the key)');
/** What is shorter is a word as any other, as `EMPTY` and `none` for servers that want some key. */
const SHORTEST_SECRET = 8;

/** The server's words, out of the shapes that errors have: OpenAI's, FastAPI's, plain text. */
export function wordsOf(body: string): string {
  const read = jsonIn(body);
  if (read === undefined) return shortened(body);
  const {value} = read;
  const words =
    wordsIn(fieldOf(value, 'error'), 'message') ??
    wordsIn(value, 'message') ??
    wordsIn(value, 'detail') ??
    wordsIn(value, 'error');
  return shortened(words ?? body);
}

/** Whether a refusal says that there is no money left, which no waiting brings back. */
function isSpent(body: string): boolean {
  const error = fieldOf(jsonIn(body)?.value, 'error');
  return [wordsIn(error, 'code'), wordsIn(error, 'type')].includes('insufficient_quota');
}

/** `Retry-After` in ms: seconds or a date (RFC 9110, 10.2.3). */
function pauseOf(header: string | undefined): number | undefined {
  const said = header?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(said)) return 1_000 * Number(said);
  const until = Date.parse(said);
  return Number.isNaN(until) ? undefined : Math.max(0, until - Date.now());
}

const remedyOf = (
  status: number,
  {url, key, named}: {readonly url: URL; readonly key: string | undefined; readonly named: ServerWords},
): string => {
  if (status === 404)
    return /\/v\d/.test(url.pathname)
      ? `: look at ${named.url} and ${named.model}`
      : `: look at ${named.url}, which mostly ends in /v1, and ${named.model}`;
  if (status !== 401 && status !== 403) return '';
  return key === undefined
    ? `: it may want a key; set ${named.key} in the environment, and hand it on to the stages of a run with passEnv`
    : `: the key in ${named.key} may not be the right one`;
};
