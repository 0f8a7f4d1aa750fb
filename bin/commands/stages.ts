/** `r1 stages`: every stage of `r1/stages`, and those of a recipe of one's own. */
import {Command} from 'commander';
import {stageFacts} from '../../pipeline/inspect/params.js';
import {loadRecipe} from '../../pipeline/wiring/load-recipe.js';
import {wireLoaded} from '../../pipeline/wiring/wire-loaded.js';
import {RECIPES} from '../access/recipes.js';
import {builtInStages, ownStages} from '../access/stages.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {stagesText} from '../render/stages.js';

interface StagesOptions extends GlobalOptions {
  readonly recipe?: string;
}

export const stagesCommand = (services: Services): Command =>
  withGlobals(new Command('stages'), ['r1 stages', 'r1 stages --recipe ./my.recipe.ts'])
    .description('list the stages: what each does, what it takes and makes, whether it trains')
    .option('--recipe <recipe>', 'with the stages of its own that this recipe has, by name or path')
    .action(async ({recipe, json}: StagesOptions) => {
      const wiring = recipe === undefined ? undefined : await wireLoaded(await loadRecipe(recipe, RECIPES));
      const stages = [...builtInStages(), ...(wiring === undefined ? [] : ownStages(wiring))].map(
        ({stage, ...known}) => ({...stageFacts(stage), ...known}),
      );
      if (json === true) services.say(JSON.stringify(stages));
      else services.say(stagesText(stages, services));
    });
