/** `r1 doctor`: is everything here that a run needs, and if not, what helps. Changes nothing. */
import path from 'node:path';
import {Command} from 'commander';
import {sqliteVersion} from '../../artifacts/index.js';
import {ownManifest} from '../../pipeline/modules/own-package.js';
import {MATH_ENVIRONMENT} from '../../stages/graders/math/index.js';
import {environmentState} from '../../stages/python/environment.js';
import {readRuntimeFacts} from '../../stages/tensorflow/runtime-class.js';
import {needsOfNodes} from '../../pipeline/plan/environments.js';
import {programFilesOf} from '../../pipeline/plan/program-files.js';
import {loadRecipe} from '../../pipeline/wiring/load-recipe.js';
import {openStandIns} from '../../pipeline/wiring/stand-ins.js';
import {wireLoaded} from '../../pipeline/wiring/wire-loaded.js';
import {
  checkDisk,
  checkEnvironment,
  checkNode,
  checkProgram,
  checkPython,
  checkSandbox,
  checkSqlite,
  checkStore,
  checkTensorflow,
  checkThreads,
  containerLimit,
  cores,
  trySandbox,
  tryTensorflow,
} from '../access/doctor-checks.js';
import type {Check} from '../access/doctor-checks.js';
import {DEFAULT_RECIPE, RECIPES} from '../access/recipes.js';
import {standIns} from '../execution/stand-ins.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {hintOf} from '../render/hints.js';
import {createColors} from '../terminal/paint.js';

async function examine(
  folder: string,
  {recipe, trainer}: {readonly recipe: string | undefined; readonly trainer: string | undefined},
  services: Services,
): Promise<Check[]> {
  // A recipe that cannot be read is a mistake in what was typed, which is said before anything is tried.
  const ofRecipe = recipe === undefined ? [] : await checkRecipe(recipe, trainer);
  return [
    checkNode(process.versions.node, ownManifest().engines.node),
    ...(await checkTensorflow(tryTensorflow, readRuntimeFacts)),
    checkThreads(cores(), containerLimit()),
    checkSqlite(sqliteVersion),
    checkStore(folder, (store, options) => services.openStore(store, options)),
    checkDisk(folder),
    await checkSandbox(trySandbox),
    checkPython(await environmentState(MATH_ENVIRONMENT)),
    ...ofRecipe,
  ];
}

/** What its programs run in, and the programs. */
async function checkRecipe(recipe: string, trainer: string | undefined): Promise<readonly Check[]> {
  const instead = await openStandIns({trainer}, standIns);
  const wiring = await wireLoaded(await loadRecipe(recipe, RECIPES), undefined, instead?.at);
  instead?.check(wiring);
  const all = [...wiring.nodes.values()];
  const programs = programFilesOf(all).filter(({isProgram}) => isProgram);
  return [...(await needsOfNodes(all)).map(checkEnvironment), ...programs.map(checkProgram)];
}

/** One line a check, how to fix it below a problem. */
export function drawChecks(checks: readonly Check[], colours: boolean): string {
  const {green, red} = createColors(colours);
  return checks
    .map(({check, ok, value, ...help}) => {
      const verdict = ok ? green('ok     ') : red('problem');
      const line = `${verdict}  ${check.padEnd(10)}  ${value}`;
      const wayOut = hintOf(help);
      return wayOut === undefined ? line : `${line}\n${' '.repeat(21)}→ ${wayOut}`;
    })
    .join('\n');
}

const asJson = ({hint, remedy, ...found}: Check) => ({...found, wayOut: hintOf({hint, remedy})});

export const doctorCommand = (services: Services): Command =>
  new Command('doctor')
    .description('check Node, TensorFlow, SQLite, the store, the disk and Python; exit code 1 when something is wrong')
    .argument(
      '[recipe]',
      'look at the programs of this recipe and what they run in, too: a name or the path of a .ts or .js file',
    )
    .option('--trainer <name>', 'as r1 run has it: what this trainer needs (trl)')
    .option('--store <folder>', 'the store to look at (default: R1_STORE, or .r1)')
    .option('--json', 'one JSON array of {check, ok, value, wayOut}')
    .addHelpText('after', '\nExamples:\n  r1 doctor --store /data/r1\n  r1 doctor ./my.recipe.ts')
    .action(async (recipe: string | undefined, options: GlobalOptions & {readonly trainer?: string}) => {
      const folder = path.resolve(options.store ?? (process.env['R1_STORE'] || '.r1'));
      const {trainer} = options;
      const checks = await examine(folder, {recipe: recipe ?? (trainer && DEFAULT_RECIPE), trainer}, services);
      services.say(
        options.json === true ? JSON.stringify(checks.map(asJson), null, 2) : drawChecks(checks, services.colours),
      );
      if (checks.some(({ok}) => !ok)) services.exit(1);
    });
