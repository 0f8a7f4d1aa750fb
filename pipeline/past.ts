/** What the store remembers, in the form that a plan asks for it. */
import type {Attempt, Digest, Store} from '../artifacts/index.js';
import type {CodeParts, CodeReader} from './code.js';
import type {Ingredients} from './fingerprint.js';
import type {Past} from './plan.js';

/** Ingredients as they are kept with an attempt: those of the fingerprint, and the files behind its code digest. */
export type KeptIngredients = Ingredients & {readonly codeParts: CodeParts};

export const ingredientsOf = (attempt: Attempt): KeptIngredients => attempt.ingredients as unknown as KeptIngredients;

/**
 * @param code knows the parts of today's code
 */
export function pastOf(store: Store, recipe: string, code: CodeReader): Past {
  const parts = new Map<string, CodeParts>();
  const last = new Map<string, Ingredients | undefined>();
  return {
    find(fingerprint) {
      const hit = store.findByFingerprint(fingerprint);
      return hit === undefined ? undefined : {attempt: hit.attempt, outputs: digestsOf(hit.outputs)};
    },
    gone: (fingerprint) => store.whyGone(fingerprint)?.because,
    last(node) {
      if (!last.has(node)) {
        const attempt = store.latestSuccess(recipe, node);
        const ingredients = attempt === undefined || attempt.stage === 'source' ? undefined : ingredientsOf(attempt);
        if (ingredients !== undefined) parts.set(ingredients.code, ingredients.codeParts);
        last.set(node, ingredients);
      }
      return last.get(node);
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

const digestsOf = (outputs: Readonly<Record<string, {readonly artifact: Digest}>>): Record<string, Digest> =>
  Object.fromEntries(Object.entries(outputs).map(([port, {artifact}]) => [port, artifact]));
