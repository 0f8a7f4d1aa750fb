/** The recorded reason for what a run did with a node, as lines for a person or as JSON. */
import type {AttemptReason, Why} from '../../pipeline/inspect/why.js';
import type {Outcome} from '../../pipeline/outcome.js';
import {oneLine} from '../terminal/paint.js';
import {indented, outcomeText} from './outcome.js';

/** What is recorded, as it is recorded. */
export function whyJson({run, node, attempt}: Why): unknown {
  const base = {run: run.id, node: node.node, action: node.action, because: node.because};
  if (attempt === undefined) return base;
  const {id, run: madeIn, stage, because, fingerprint, ingredients, inputs, continues, outcome} = attempt.recorded;
  return {
    ...base,
    attempt: {
      id,
      run: madeIn,
      stage,
      because,
      fingerprint,
      ingredients,
      inputs,
      ...(continues === undefined ? {} : {continues}),
      ...(outcome === undefined ? {} : {outcome}),
      ...(attempt.earlier.length === 0 ? {} : {earlier: attempt.earlier}),
    },
  };
}

const VERB = {run: 'ran', reuse: 'was reused', source: 'was taken from outside', cancelled: 'was not started'} as const;

export function whyText({run, node, attempt}: Why): string {
  const lines = [oneLine(`run ${run.id}: ${node.node} ${VERB[node.action]}: ${node.because}`)];
  if (attempt === undefined) return lines.join('\n');
  const {recorded, outcome, lastWords} = attempt;
  const {id, continues, fingerprint} = recorded;
  if (recorded.run !== run.id) lines.push(`attempt ${id} was made in run ${recorded.run}: ${recorded.because}`);
  if (continues !== undefined) {
    const accepted =
      continues.accepted === undefined ? '' : ` (accepted by hand although it differs: ${continues.accepted})`;
    lines.push(`continued from the checkpoint at step ${continues.step} of attempt ${continues.attempt}${accepted}`);
  }
  lines.push(indented(`attempt ${id}: ${endText(outcome, attempt.isOrphan)}`, 2));
  if (lastWords.place !== undefined) lines.push(`  at ${lastWords.place}`);
  lines.push(...lastWords.lines.map((line) => oneLine(`  | ${line}`)));
  for (const {attempt: other, run: begunIn, outcome: end} of attempt.earlier)
    lines.push(indented(`before: attempt ${other}, run ${begunIn}: ${endText(end)}`, 2));
  lines.push(`fingerprint ${fingerprint.slice(0, 12)} of`);
  lines.push(...ingredientLines(attempt).map(oneLine));
  return lines.join('\n');
}

function endText(outcome: Outcome | undefined, isOrphan = false): string {
  if (outcome !== undefined) return outcomeText(outcome);
  return isOrphan ? 'has lost its runner, and nobody has recorded how it ended' : 'has not ended';
}

function ingredientLines({recorded, inputs}: AttemptReason): string[] {
  const lines = [`  stage    ${recorded.stage}`, `  params   ${JSON.stringify(recorded.params)}`];
  for (const {port, name, artifact, madeBy, from} of inputs) {
    const where = from === undefined ? '' : ` from ${from} (attempt ${madeBy})`;
    lines.push(`  input    ${name === '' ? port : `${port}.${name}`} @${artifact.slice(0, 8)}${where}`);
  }
  const {code, definitions, env, environment, seed, runtime} = recorded.ingredients as {
    code?: string;
    definitions?: Readonly<Record<string, string>>;
    env?: Readonly<Record<string, string>>;
    environment?: Readonly<Record<string, string>>;
    seed?: number | null;
    runtime?: unknown;
  };
  if (code !== undefined) lines.push(`  code     ${code.slice(0, 12)}`);
  for (const [name, digest] of Object.entries(definitions ?? {}))
    lines.push(`  code     ${digest.slice(0, 12)} of ${name}`);
  for (const [name, value] of Object.entries(env ?? {})) lines.push(`  env      ${name}=${value}`);
  if (environment !== undefined) lines.push(`  environment  ${environmentText(environment)}`);
  if (seed !== undefined) lines.push(`  seed     ${seed ?? 'does not matter'}`);
  if (runtime !== undefined && runtime !== null) lines.push(`  runtime  ${JSON.stringify(runtime)}`);
  return lines;
}

/** Parts that are known by a digest last: a lock file stands for the versions before it. */
function environmentText(environment: Readonly<Record<string, string>>): string {
  const isDigest = (value: string): boolean => /^[0-9a-f]{64}$/.test(value);
  const parts = Object.entries(environment);
  return [
    ...parts.filter(([, value]) => !isDigest(value)).map(([name, value]) => `${name} ${value}`),
    ...parts.filter(([, value]) => isDigest(value)).map(([name, value]) => `${name} @${value.slice(0, 8)}`),
  ].join(', ');
}
