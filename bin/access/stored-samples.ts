/** Finds what a reference to a node, a model or an artifact leads to that holds completions, and where their prompts are. */
import {UserError, shortDigest} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {readableOf, rowsFilesOf} from '../../artifacts/queries/readable.js';
import type {Output, Readable, ReadableKinds} from '../../artifacts/queries/readable.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {StoredRows} from '../../stages/samples/index.js';
import {orTold} from './or-told.js';

const KINDS: ReadableKinds = {
  own: ['rollouts', 'scores', 'pairs', 'labels', 'dataset', 'prompts'],
  model: 'model',
  about: 'scores',
  besideModel: ['rollouts'],
};

/** An artifact of completions, and what is known of it. */
export interface Stored extends Output {
  readonly rows: StoredRows;
  /** What its prompts were taken from, as far as it is still there. */
  readonly prompts: readonly StoredRows[];
  /** References to what else could be read here. */
  readonly others: readonly string[];
}

/** `zero-rl:rollouts` */
export const referenceTo = ({attempt, output}: Output): string => `${attempt.node}:${output.port}`;

/** @throws UserError not-found, ambiguous-reference … */
export async function findStored(store: Store, reference: string): Promise<Stored> {
  const readable = await readableOf(store, reference, KINDS, {suggest: suggestion});
  return stored(store, readable, readable.own[0] ?? theEvaluation(readable, reference));
}

/**
 * Two of them that can stand beside each other. What was named exactly is taken; of models, or nodes that train one, their evaluations,
 * as those are about the same problems.
 *
 * @throws UserError as `findStored`
 */
export async function findBeside(store: Store, references: readonly [string, string]): Promise<[Stored, Stored]> {
  const [one, other] = [
    await readableOf(store, references[0], KINDS, {suggest: suggestion}),
    await readableOf(store, references[1], KINDS, {suggest: suggestion}),
  ];
  const kindOf = (side: Readable): string | undefined => (side.isExact ? side.own[0]?.output.kind : undefined);
  const wanted = kindOf(one) ?? kindOf(other);
  const choose = (side: Readable, reference: string): Stored => {
    const isScores = side.about.length > 0 && (wanted ?? KINDS.about) === KINDS.about;
    const own = side.own.find(({output}) => output.kind === wanted) ?? side.own[0];
    const both = one.about.length > 0 && other.about.length > 0;
    if (side.isExact || !isScores || (wanted === undefined && !both && own !== undefined))
      return stored(store, side, own ?? theEvaluation(side, reference));
    return stored(store, side, theEvaluation(side, reference));
  };
  return [choose(one, references[0]), choose(other, references[1])];
}

function theEvaluation({about, resolved, own}: Readable, reference: string): Output {
  const [first, ...more] = about;
  if (first !== undefined && more.length === 0) return first;
  if (first !== undefined) {
    throw new UserError('ambiguous-reference', `${about.length} nodes have sampled ${reference}`, {
      hint: `say which: ${[...about, ...own].map(referenceTo).join(', ')}`,
    });
  }
  const {attempt, output} = resolved;
  const model = output?.kind === KINDS.model || attempt.outputs.some(({kind}) => kind === KINDS.model);
  if (model) {
    throw new UserError('not-found', `nothing that was sampled from ${reference} is in this store`, {
      hint:
        `r1 eval ${reference} --prompts FILE samples it now, and r1 chat ${reference} talks to it; ` +
        'a node of the stage “evaluate” keeps what it samples',
    });
  }
  throw new UserError('not-found', `${reference} has made nothing that a model was asked or wrote`, {
    hint: `it has made ${attempt.outputs.map((edge) => `${attempt.node}:${edge.port} (${edge.kind})`).join(', ')}`,
  });
}

function stored(store: Store, readable: Readable, chosen: Output): Stored {
  const {attempt, output} = chosen;
  const {params, stage} = attempt;
  const isRecord = typeof params === 'object' && params !== null && !Array.isArray(params);
  return {
    ...chosen,
    rows: {...rowsOf(store, chosen), stage, ...(isRecord ? {params: params as StoredRows['params']} : {})},
    prompts: promptsOf(store, chosen),
    others: [...readable.own, ...readable.about]
      .filter((other) => other.attempt.id !== attempt.id || other.output.port !== output.port)
      .map(referenceTo),
  };
}

/**
 * Outputs of the kind that keeps what was drawn, and why it was dropped: of one node, or of each run, the newest first; of all runs what
 * cannot be read is told of and left out.
 */
export async function rolloutsOf(
  store: Store,
  reference: string | undefined,
  complain: (text: string) => void,
): Promise<readonly (readonly Stored[])[]> {
  const [kind = ''] = KINDS.besideModel;
  if (reference !== undefined) {
    const readable = await readableOf(store, reference, KINDS, {suggest: suggestion});
    const own = readable.own.filter(({output}) => output.kind === kind);
    if (own.length > 0) return [own.map((output) => stored(store, readable, output))];
    const {attempt} = readable.resolved;
    throw new UserError('bad-argument', `${attempt.node} has not kept what it drew: it has no ${kind}`, {
      hint: `it has made ${attempt.outputs.map((edge) => `${attempt.node}:${edge.port} (${edge.kind})`).join(', ')}; \`card.json\` of a dataset counts what was dropped`,
    });
  }
  const seen = new Set<string>();
  const runs: (readonly Stored[])[] = [];
  for (const {id} of store.runs()) {
    const drawn: Stored[] = [];
    for (const {attempt: maker, artifact} of store.outputsOfKind(id, kind)) {
      if (seen.has(artifact) || !store.isPresent(artifact)) continue;
      seen.add(artifact);
      const attempt = store.attempt(maker)!;
      const output = attempt.outputs.find((edge) => edge.artifact === artifact)!;
      const readable = {resolved: {attempt, output, run: id}, own: [], about: [], isExact: true};
      const one = await orTold(complain, () => Promise.resolve(stored(store, readable, {attempt, output})));
      if (one !== undefined) drawn.push(one);
    }
    runs.push(drawn);
  }
  return runs;
}

export const rowsOf = (store: Store, output: Output): StoredRows => ({
  name: `${referenceTo(output)} @${shortDigest(output.output.artifact)}`,
  files: rowsFilesOf(store, output),
});

/** Prompt sets among the inputs of the attempt. What has been collected is left out: questions are then not shown. */
function promptsOf(store: Store, {attempt}: Output): readonly StoredRows[] {
  return attempt.inputs.flatMap(({artifact, madeBy}) => {
    const maker = store.attempt(madeBy)!;
    const output = maker.outputs.find((edge) => edge.artifact === artifact);
    if (output?.kind !== 'prompts' || !store.isPresent(artifact)) return [];
    return [rowsOf(store, {attempt: maker, output})];
  });
}
