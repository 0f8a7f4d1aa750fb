/** The recipes that come with the tool, by name: where their modules lie. Nothing of them is loaded here. */
import type {RecipeRegistry} from '../../pipeline/wiring/load-recipe.js';
import {ownUrl} from '../../pipeline/modules/own-package.js';

const at = (name: string): string => ownUrl(`stages/recipes/${name}.js`);

export const RECIPES: RecipeRegistry = {
  tiny: at('tiny'),
  'tiny-controls': at('tiny-controls'),
  smollm2: at('smollm2/smollm2'),
};
export const DEFAULT_RECIPE = 'tiny';
