/** A recipe that was loaded, wired in a profile; mistakes come back with their place. */
import {existsSync} from 'node:fs';
import {UserError} from '../../artifacts/index.js';
import {err} from '../result.js';
import {inPlace, placeOfFunction, recipeError} from './load-recipe.js';
import type {LoadedRecipe} from './load-recipe.js';
import type {Wiring} from './nodes.js';
import {wire} from './wire.js';
import type {Mistake, StageAt} from './wire.js';

/** @throws UserError for mistakes in the recipe, each with its place, and where it has no such profile */
export async function wireLoaded(loaded: LoadedRecipe, profile?: string, instead?: StageAt): Promise<Wiring> {
  const wired = await wireRecipe(inProfile(loaded, profile), instead);
  if (!wired.ok) throw mistakesError(loaded, wired.error);
  return wired.value;
}

/** The recipe as it is wired in a profile. @throws UserError where it has no such profile */
function inProfile(loaded: LoadedRecipe, profile: string | undefined): LoadedRecipe {
  if (profile === undefined) return loaded;
  const {recipe} = loaded;
  const names = Object.keys(recipe.profiles ?? {});
  if (!names.includes(profile))
    throw new UserError('not-found', `recipe “${recipe.name}” has no profile “${profile}”`, {
      hint: names.length === 0 ? 'it has none: leave the profile out' : `it has ${names.join(', ')}`,
    });
  return {...loaded, recipe: {...recipe, wire: (add) => recipe.wire(add, {profile})}};
}

async function wireRecipe(
  {recipe, folder, file}: LoadedRecipe,
  instead: StageAt | undefined,
): Promise<ReturnType<typeof wire>> {
  try {
    const wired = await inPlace(file, () => wire(recipe, folder, instead));
    if (wired.ok || !existsSync(file)) return wired;
    const where = wired.error.some(({ofFunction}) => ofFunction === true) && (await placeOfFunction(file, recipe.wire));
    if (!where) return wired;
    return err(wired.error.map((mistake) => (mistake.ofFunction === true ? {...mistake, place: where} : mistake)));
  } catch (error) {
    throw await recipeError(file, error);
  }
}

/** All of the mistakes, a line each. */
export function mistakesError({file}: LoadedRecipe, mistakes: readonly Mistake[]): UserError {
  const lines = mistakes.map(({message, place}) => `${place ?? file}: ${message}`);
  return new UserError('bad-argument', lines.join('\n'));
}
