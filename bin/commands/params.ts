/** `r1 params`: what a stage is told, and what a node of a recipe tells it. */
import {Command} from 'commander';
import {nodeFacts, stageFacts} from '../../pipeline/inspect/params.js';
import {loadRecipe} from '../../pipeline/wiring/load-recipe.js';
import {wireLoaded} from '../../pipeline/wiring/wire-loaded.js';
import {DEFAULT_RECIPE, RECIPES} from '../access/recipes.js';
import {builtInStages, findStage, noSuch, nodesOf, ownStages} from '../access/stages.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {nodeText, stageText} from '../render/stages.js';

interface ParamsOptions extends GlobalOptions {
  readonly recipe?: string;
  readonly profile?: string;
}

export const paramsCommand = (services: Services): Command =>
  withGlobals(new Command('params'), [
    'r1 params zero-rl',
    'r1 params grpo --json',
    'r1 params full-sft --recipe smollm2 --profile gpu',
  ])
    .description('explain the params of a stage or of a node: default, what it may be, why; and what the recipe says')
    .argument('<stage|node>', 'the name of a stage (r1 stages), or a node of the recipe')
    .option('--recipe <recipe>', `the recipe of the node, by name or path (default: ${DEFAULT_RECIPE})`)
    .option('--profile <name>', 'other numbers for the same recipe, where it has profiles (smollm2: gpu)')
    .action(async (wanted: string, {recipe, profile, json}: ParamsOptions) => {
      const name = recipe ?? DEFAULT_RECIPE;
      const wiring = await wireLoaded(await loadRecipe(name, RECIPES), profile);
      // A recipe that is named is what the question is about; else a stage is, as many nodes are called like one.
      const isOfRecipe = recipe !== undefined || profile !== undefined;
      const builtIn = builtInStages();
      const stage =
        isOfRecipe && wiring.nodes.has(wanted) ? undefined : findStage([...ownStages(wiring), ...builtIn], wanted);
      if (stage !== undefined) {
        const facts = {...stageFacts(stage.stage), ...(stage.export === undefined ? {} : {export: stage.export})};
        const nodes = nodesOf(wiring, stage.stage);
        services.say(
          json === true
            ? JSON.stringify({...facts, nodes})
            : stageText(facts, {recipe: name, nodes, isNode: wiring.nodes.has(wanted)}, services),
        );
        return;
      }
      if (!wiring.nodes.has(wanted)) throw noSuch(wanted, [...ownStages(wiring), ...builtIn], wiring);
      const facts = nodeFacts(wiring, wanted);
      const typed = profile === undefined ? name : `${name} --profile ${profile}`;
      services.say(json === true ? JSON.stringify(facts) : nodeText(facts, typed, services));
    });
