/** `r1 diff`: what is different between two runs, or two artifacts, and where it began. */
import {Command} from 'commander';
import type {ArtifactDifference} from '../../artifacts/queries/diff-artifacts.js';
import {UserError} from '../../artifacts/index.js';
import type {RunId, Store} from '../../artifacts/index.js';
import {findRun} from '../../artifacts/queries/find-run.js';
import {StageFailure} from '../../pipeline/stage.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {RunPair} from '../access/compare-runs.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {withStore} from '../access/with-store.js';

interface DiffOptions extends GlobalOptions {
  readonly quick?: boolean;
}

export const diffCommand = (services: Services): Command =>
  withGlobals(new Command('diff'), [
    'r1 diff 3 4',
    'r1 diff 3 4 --quick --json',
    'r1 diff 3/full-sft:model 4/full-sft:model',
  ])
    .description(
      'what differs between two runs, where it began (params, inputs, code …), and what came of it in the scores',
    )
    .argument('<a>', 'number of a run, or a reference to an artifact')
    .argument('<b>', 'the other')
    .option('--quick', 'do not compare the contents of what differs, nor scores')
    .action(async (a: string, b: string, {quick, json, ...options}: DiffOptions) => {
      await withStore(services, options, 'read', async (store) => {
        const runs = [a, b].filter((word) => /^\d+$/.test(word));
        if (runs.length === 2)
          await diffOfRuns(services, store, {
            a: Number(a) as RunId,
            b: Number(b) as RunId,
            quick: quick === true,
            json: json === true,
          });
        else if (runs.length === 0) await diffOfArtifacts(services, store, {a, b, json: json === true});
        else
          throw new UserError('bad-argument', 'a run cannot be compared with an artifact', {
            hint: 'give two numbers of runs, or two references',
          });
      });
    });

/** JSON has no Infinity; it stands for “one of them is not a number”. */
const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (item === Infinity ? 'Infinity' : item));

async function diffOfRuns(
  services: Services,
  store: Store,
  {a, b, quick, json}: {a: RunId; b: RunId; quick: boolean; json: boolean},
): Promise<void> {
  for (const run of [a, b]) findRun(store, run);
  const {diffRuns} = await import('../../artifacts/queries/diff-runs.js');
  const difference = diffRuns(store, a, b);
  const comparisons = new Map<string, ArtifactDifference>();
  if (!quick) {
    const {diffArtifacts} = await import('../../artifacts/queries/diff-artifacts.js');
    for (const {node, outputs} of difference.nodes) {
      for (const output of outputs) {
        if (output.a === undefined || output.b === undefined) continue;
        services.progress(`comparing ${node}:${output.port}`);
        comparisons.set(`${node}:${output.port}`, await diffArtifacts(store, output.a, output.b));
      }
    }
    services.progress(undefined);
  }
  const effect = quick || difference.first === undefined ? undefined : await effectOf(services, store, [a, b]);
  if (json) {
    const {runPairJson} = await import('../render/compare-json.js');
    const scores = effect === undefined ? {} : {effect: runPairJson(effect)};
    services.say(jsonText({...difference, comparisons: Object.fromEntries(comparisons), ...scores}));
    return;
  }
  const {diffText} = await import('../render/diff.js');
  services.say(diffText(difference, {comparisons, colours: services.colours}));
  if (effect === undefined) return;
  const {effectText} = await import('../render/compare-runs.js');
  const {width, colours} = services;
  const text = effectText(effect, {width, colours, most: MOST_EFFECTS});
  if (text !== '') services.say(`\nwhat came of it in the scores\n\n${text}`);
}

/** Lines of each table of what changed in the scores. */
const MOST_EFFECTS = 8;

/** What the difference did to the scores, where both runs have some that can be read: what is different is told without them too. */
async function effectOf(
  services: Services,
  store: Store,
  [a, b]: readonly [RunId, RunId],
): Promise<RunPair | undefined> {
  const {compareRuns} = await import('../access/compare-runs.js');
  const {openReader} = await import('../access/compare-models.js');
  try {
    return await compareRuns(store, [store.run(a)!, store.run(b)!], openReader(store, services.progress));
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof StageFailure)) throw error;
    services.complain(`what came of it in the scores is not shown: ${error.message}`);
    return undefined;
  } finally {
    services.progress(undefined);
  }
}

async function diffOfArtifacts(
  services: Services,
  store: Store,
  {a, b, json}: {a: string; b: string; json: boolean},
): Promise<void> {
  const {resolveArtifact} = await import('../../artifacts/queries/reference.js');
  const {diffArtifacts} = await import('../../artifacts/queries/diff-artifacts.js');
  const [left, right] = [
    await resolveArtifact(store, a, {suggest: suggestion}),
    await resolveArtifact(store, b, {suggest: suggestion}),
  ];
  const comparison = await diffArtifacts(store, left.output.artifact, right.output.artifact);
  if (json) {
    services.say(jsonText({a: left.output.artifact, b: right.output.artifact, ...comparison}));
    return;
  }
  const {comparisonLines} = await import('../render/diff.js');
  const lines = comparisonLines(comparison);
  services.say(lines.length === 0 ? 'equal, byte by byte' : lines.join('\n'));
}
