/** The recipes that come with the tool, by name: where their modules lie. Nothing of them is loaded here. */
import type {RecipeRegistry} from '../pipeline/load.js';

const at = (name: string): string => new URL(`../stages/recipes/${name}.js`, import.meta.url).href;

export const RECIPES: RecipeRegistry = {tiny: at('tiny'), 'tiny-controls': at('tiny-controls')};
export const DEFAULT_RECIPE = 'tiny';
