/** `r1 doctor`: is everything here that a run needs, and if not, what helps. Changes nothing. */
import path from 'node:path';
import {Command} from 'commander';
import {sqliteVersion} from '../../artifacts/index.js';
import {ownManifest} from '../../pipeline/modules/own-package.js';
import {MATH_ENVIRONMENT} from '../../stages/graders/math/index.js';
import {environmentState} from '../../stages/python/environment.js';
import {readRuntimeFacts} from '../../stages/tensorflow/runtime-class.js';
import {
  checkDisk,
  checkNode,
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
import type {GlobalOptions, Services} from '../cli-context.js';
import {hintOf} from '../render/hints.js';
import {createColors} from '../terminal/paint.js';

async function examine(folder: string, services: Services): Promise<Check[]> {
  return [
    checkNode(process.versions.node, ownManifest().engines.node),
    ...(await checkTensorflow(tryTensorflow, readRuntimeFacts)),
    checkThreads(cores(), containerLimit()),
    checkSqlite(sqliteVersion),
    checkStore(folder, (store, options) => services.openStore(store, options)),
    checkDisk(folder),
    await checkSandbox(trySandbox),
    checkPython(await environmentState(MATH_ENVIRONMENT)),
  ];
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
    .option('--store <folder>', 'the store to look at (default: R1_STORE, or .r1)')
    .option('--json', 'one JSON array of {check, ok, value, wayOut}')
    .addHelpText('after', '\nExample:\n  r1 doctor --store /data/r1')
    .action(async (options: GlobalOptions) => {
      const checks = await examine(path.resolve(options.store ?? (process.env['R1_STORE'] || '.r1')), services);
      services.say(
        options.json === true ? JSON.stringify(checks.map(asJson), null, 2) : drawChecks(checks, services.colours),
      );
      if (checks.some(({ok}) => !ok)) services.exit(1);
    });
