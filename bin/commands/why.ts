/** `r1 why`: the recorded reason for what a run did with a node, from the store alone. */
import {Command} from 'commander';
import type {Attempt, Store} from '../../artifacts/index.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import {withGlobals} from '../options/global-options.js';
import {decided} from '../access/find-node.js';
import type {Decided} from '../access/find-node.js';
import {lastWordsOf} from '../render/last-words.js';
import {oneLine} from '../terminal/paint.js';
import {indented, outcomeOf, outcomeText} from '../render/failure.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {wholeNumber} from '../options/run-options.js';

export const whyCommand = (services: Services): Command =>
  withGlobals(new Command('why'), ['r1 why full-sft', 'r1 why full-sft --run 12'])
    .description('say why a node ran, was reused or was not started, in the newest run that includes it or in another')
    .argument('<node>', 'the node')
    .option('--run <n>', 'the run to ask about', wholeNumber)
    .action((name: string, options: GlobalOptions & {readonly run?: number}) => {
      const store = services.openStore(options.store, {mode: 'read'});
      try {
        const found = decided(store, name, options.run);
        const {node} = found;
        const attempt = node.attempt === undefined ? undefined : store.attempt(node.attempt);
        services.say(options.json === true ? JSON.stringify(whyJson(found, attempt)) : whyText(found, attempt, store));
      } finally {
        store.close();
      }
    });

function whyJson({run, node}: Decided, attempt: Attempt | undefined): unknown {
  return {
    run: run.id,
    node: node.node,
    action: node.action,
    because: node.because,
    ...(attempt === undefined
      ? {}
      : {
          attempt: {
            id: attempt.id,
            run: attempt.run,
            stage: attempt.stage,
            because: attempt.because,
            fingerprint: attempt.fingerprint,
            ingredients: attempt.ingredients,
            inputs: attempt.inputs,
            ...(attempt.continues === undefined ? {} : {continues: attempt.continues}),
            ...(attempt.outcome === undefined ? {} : {outcome: attempt.outcome}),
          },
        }),
  };
}

const VERB = {run: 'ran', reuse: 'was reused', source: 'was taken from outside', cancelled: 'was not started'} as const;

function whyText({run, node}: Decided, attempt: Attempt | undefined, store: Store): string {
  const lines = [oneLine(`run ${run.id}: ${node.node} ${VERB[node.action]}: ${node.because}`)];
  if (attempt === undefined) return lines.join('\n');
  if (attempt.run !== run.id) lines.push(`attempt ${attempt.id} was made in run ${attempt.run}: ${attempt.because}`);
  const {continues} = attempt;
  if (continues !== undefined) {
    const accepted =
      continues.accepted === undefined ? '' : ` (accepted by hand although it differs: ${continues.accepted})`;
    lines.push(`went on from the checkpoint at step ${continues.step} of attempt ${continues.attempt}${accepted}`);
  }
  const outcome = attempt.outcome === undefined ? 'has not ended' : outcomeText(outcomeOf(attempt.outcome));
  lines.push(indented(`attempt ${attempt.id}: ${outcome}`, 2));
  if (attempt.outcome !== undefined) {
    const {place, lines: said} = lastWordsOf(outcomeOf(attempt.outcome), jobFiles(store.jobFolder(attempt.id)).log);
    if (place !== undefined) lines.push(`  at ${place}`);
    lines.push(...said.map((line) => oneLine(`  | ${line}`)));
  }
  lines.push(`fingerprint ${attempt.fingerprint.slice(0, 12)} of`);
  lines.push(...ingredientLines(attempt, store).map(oneLine));
  return lines.join('\n');
}

function ingredientLines(attempt: Attempt, store: Store): string[] {
  const lines = [`  stage    ${attempt.stage}`, `  params   ${JSON.stringify(attempt.params)}`];
  for (const {port, name, artifact, madeBy} of attempt.inputs) {
    const from = store.attempt(madeBy);
    const where = from === undefined ? '' : ` from ${from.node} (attempt ${madeBy})`;
    lines.push(`  input    ${name === '' ? port : `${port}.${name}`} @${artifact.slice(0, 8)}${where}`);
  }
  const {code, env, seed, runtime} = attempt.ingredients as {
    code?: string;
    env?: Readonly<Record<string, string>>;
    seed?: number | null;
    runtime?: unknown;
  };
  if (code !== undefined) lines.push(`  code     ${code.slice(0, 12)}`);
  for (const [name, value] of Object.entries(env ?? {})) lines.push(`  env      ${name}=${value}`);
  if (seed !== undefined) lines.push(`  seed     ${seed ?? 'does not matter'}`);
  if (runtime !== undefined && runtime !== null) lines.push(`  runtime  ${JSON.stringify(runtime)}`);
  return lines;
}
