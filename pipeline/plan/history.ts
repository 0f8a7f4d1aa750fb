/** What the store remembers, in the form that a plan asks for it. */
import {asCodeParts} from '../../artifacts/queries/code-parts.js';
import type {AttemptCode, CodeParts} from '../../artifacts/queries/code-parts.js';
import {UserError} from '../../artifacts/index.js';
import type {Attempt, Digest, Store} from '../../artifacts/index.js';
import type {CodeReader} from '../fingerprint/code-digest.js';
import {codeChangesBetween, fingerprintOf} from '../fingerprint/fingerprint.js';
import type {Ingredients} from '../fingerprint/fingerprint.js';
import {furthestSaved, passedOverText, untainted} from '../job/continue-from.js';
import type {PassedOver} from '../job/continue-from.js';
import {inAWord, outcomeIn} from '../outcome.js';
import {inFewWords} from './plan.js';
import type {History, Unfinished} from './plan.js';

/** Of an attempt of a stage. A store is data, and may hold anything. @throws UserError 'store-damaged' */
export function ingredientsOf({id, ingredients}: Attempt): Ingredients {
  const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
  const {
    stage,
    code,
    params,
    inputs,
    definitions = {},
  } = (isRecord(ingredients) ? ingredients : {}) as Partial<Ingredients>;
  if (
    typeof stage === 'string' &&
    typeof code === 'string' &&
    isRecord(params) &&
    isRecord(inputs) &&
    isRecord(definitions)
  )
    return ingredients as unknown as Ingredients;
  throw new UserError('store-damaged', `the store is damaged: what attempt ${id} was made from is not said`, {
    remedy: {type: 'verify'},
  });
}

/** The files behind the code of an attempt. */
const codePartsOf = (store: Store, attempt: Attempt): AttemptCode | undefined =>
  asCodeParts(store.codeParts(attempt.id));

/** Code digest among the ingredients of an attempt → what it was taken of, as far as the store knows. */
export function codeBehind(store: Store, attempt: Attempt): ReadonlyMap<string, CodeParts> {
  const files = codePartsOf(store, attempt);
  if (files === undefined) return new Map();
  const {code, definitions = {}} = ingredientsOf(attempt);
  const parts = new Map<string, CodeParts>([[code, files]]);
  for (const [name, digest] of Object.entries(definitions)) {
    const known = files.definitions?.[name];
    if (known !== undefined) parts.set(digest, known);
  }
  return parts;
}

/** What differs between the code of an attempt and that of today, as parts of a sentence. @param partsNow of today's code */
export function codeChangesSince(
  attempt: Attempt,
  now: Pick<Ingredients, 'code' | 'definitions'>,
  store: Store,
  partsNow: CodeReader['partsOf'],
): string[] {
  const parts = codeBehind(store, attempt);
  return codeChangesBetween(ingredientsOf(attempt), now, (digest) => parts.get(digest) ?? partsNow(digest));
}

/** Whether nothing but code tells an attempt from one that would have this fingerprint with this code. */
export function differsInCodeOnly(
  attempt: Attempt,
  {code, definitions = {}}: Pick<Ingredients, 'code' | 'definitions'>,
  fingerprint: Digest,
): boolean {
  const before = ingredientsOf(attempt);
  return attempt.fingerprint !== fingerprint && fingerprintOf({...before, code, definitions}) === fingerprint;
}

export interface Wanted {
  readonly recipe: string;
  /** Its own earlier attempts say best what has changed. */
  readonly seed: number;
}

/** @param code knows the parts of today's code */
export function openHistory(store: Store, {recipe, seed}: Wanted, code: CodeReader): History {
  const parts = new Map<string, CodeParts>();
  const remember = (attempt: Attempt): void => {
    for (const [digest, known] of codeBehind(store, attempt)) parts.set(digest, known);
  };
  const last = new Map<string, Ingredients | undefined>();
  return {
    find: (fingerprint) => store.findByFingerprint(fingerprint),
    gone: (fingerprint) => store.whyGone(fingerprint)?.because,
    last(node) {
      if (!last.has(node)) {
        const attempt = store.latestSuccess(recipe, node, seed);
        if (attempt === undefined || attempt.stage === 'source') last.set(node, undefined);
        else {
          remember(attempt);
          last.set(node, ingredientsOf(attempt));
        }
      }
      return last.get(node);
    },
    lastFailure(node) {
      const attempt = store.latestAttempt(recipe, node, seed);
      if (attempt?.outcome === undefined || attempt.outcome.ok || attempt.stage === 'source') return undefined;
      remember(attempt);
      return {how: inAWord(attempt.outcome.reason), ingredients: ingredientsOf(attempt)};
    },
    unfinished: (fingerprint) => unfinishedOf(fingerprint, store),
    dropped(node, now, fingerprint) {
      const newest = store.latestAttempt(recipe, node, seed);
      if (newest === undefined || newest.stage === 'source' || newest.outcome?.ok === true) return undefined;
      if (newest.outcome === undefined && store.isAlive(newest.run)) return undefined;
      // Of today's code there is one, which is used.
      if (furthestSaved(untainted(store.attemptsByFingerprint(fingerprint)), store) !== undefined) return undefined;
      const ofOtherCode = store
        .attemptsOf(newest.run, node)
        .filter((each) => differsInCodeOnly(each, now, fingerprint));
      const found = furthestSaved(ofOtherCode, store);
      const attempt = ofOtherCode.find(({id}) => id === found?.attempt);
      if (found === undefined || attempt === undefined) return undefined;
      remember(attempt);
      const changes = codeChangesSince(attempt, now, store, (digest) => parts.get(digest) ?? code.partsOf(digest));
      return {attempt: found.attempt, step: found.step, run: newest.run, because: inFewWords(changes)};
    },
    expected({id, stage}) {
      const [newest] = store.history(id, stage.name, 1);
      if (newest === undefined) return undefined;
      const {wallMs, peakBytes, outputBytes} = newest;
      return {wallMs, outputBytes, ...(peakBytes === undefined ? {} : {peakBytes})};
    },
    codeParts: (digest) => parts.get(digest) ?? code.partsOf(digest),
  };
}

function earlyText({id, outcome}: Attempt): string {
  const recorded = outcome === undefined ? undefined : outcomeIn(outcome.detail);
  if (recorded?.reason !== 'finished-early') return '';
  return ` at step ${recorded.step} of ${recorded.total} (attempt ${id}), which only its own run uses`;
}

/**
 * The newest attempt with this fingerprint, unless it succeeded. Of checkpoints it only looks whether their files are there and as
 * long as they were, since reading gigabytes would make a plan slow; whoever starts from one reads it first.
 */
function unfinishedOf(fingerprint: Digest, store: Store): Unfinished | undefined {
  const attempts = store.attemptsByFingerprint(fingerprint);
  const [newest] = attempts;
  if (newest === undefined || newest.outcome?.reason === 'succeeded') return undefined;
  const run = newest.outcome === undefined ? store.runAtWork(fingerprint) : undefined;
  if (run !== undefined) return {because: `run ${run} is making it now (attempt ${newest.id})`};
  const torn: PassedOver[] = [];
  const continues = furthestSaved(untainted(attempts), store, (found) => torn.push(found));
  const passedOver = passedOverText(torn);
  if (newest.outcome === undefined) {
    const because = `attempt ${newest.id} has lost its runner: it goes on if its process still runs, and is begun again if not`;
    return {because, ...(continues === undefined ? {} : {continues})};
  }
  const told = passedOver === undefined ? '' : `; ${passedOver}`;
  const how = `last time: ${inAWord(newest.outcome.reason)}${earlyText(newest)}${told}`;
  if (continues !== undefined) return {because: how, continues};
  return {because: `${how}; attempt ${newest.id} left no whole checkpoint, so it starts from the beginning`};
}
