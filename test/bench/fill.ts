/** Fills stores with a past that nobody has time to live through. What is written is what a runner would have written. */
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import {digestOf, openStore, sha256} from '../../artifacts/index.js';
import type {Artifact, AttemptId, Digest, Json} from '../../artifacts/index.js';
import {disk} from '../../artifacts/files.js';
import type {Files} from '../../artifacts/files.js';
import {fingerprintOf} from '../../pipeline/fingerprint/fingerprint.js';
import {loadRecipe} from '../../pipeline/wiring/load-recipe.js';
import {withInputs} from '../../pipeline/plan/plan.js';
import {prepare} from '../../pipeline/plan/prepare.js';
import {refsOf} from '../../pipeline/wiring/nodes.js';

/** Nothing here has to survive a power cut. */
const hasty: Files = {...disk, sync: () => Promise.resolve(), syncNow: () => undefined};

/** A success of every node of the recipe at `file`, as it is wired in `folder`, with an output of its own. */
export async function fillPlan(folder: string, file: string): Promise<void> {
  const here = process.cwd();
  process.chdir(folder);
  const store = openStore(path.join(folder, '.r1'), {files: hasty});
  try {
    const loaded = await loadRecipe(file, {});
    const {plan} = await prepare({loaded, request: {seed: 0}, store, runtimeOf: () => ({})});
    const run = store.beginRun({recipe: loaded.recipe.name, seed: 0, plan: null, command: 'bench'});
    const lock = store.holdRunnerLock(run)!;
    const scratch = path.join(folder, 'outputs');
    mkdirSync(scratch);
    const made = new Map<string, {readonly attempt: AttemptId; readonly artifact: Digest}>();
    const nodes = [...plan.nodes.values()];
    // A transaction of some thousand nodes at a time: bytes come before the rows that name them.
    for (let from = 0; from < nodes.length; from += 5000) {
      const some = nodes.slice(from, from + 5000);
      const outputs: Artifact[] = [];
      for (const {node} of some) {
        const output = path.join(scratch, node.id);
        writeFileSync(output, `${node.id}\n`);
        outputs.push(await store.ingest(output, 'text', {own: true}));
      }
      store.parts.db.transact(() => {
        for (const [index, planned] of some.entries()) {
          if (planned.action !== 'run' && planned.action !== 'maybe') throw new Error('the store was not empty');
          const {node, known} = planned;
          const artifact = outputs[index]!;
          const ingredients = withInputs(node, known, (other) => made.get(other)?.artifact)!;
          const inputs = refsOf(node).map(({port, name = '', ref}) => {
            const {attempt, artifact: used} = made.get(ref.node)!;
            return {port, name, artifact: used, madeBy: attempt};
          });
          const begun = store.beginAttempt({
            run,
            node: node.id,
            stage: node.stage.name,
            fingerprint: fingerprintOf(ingredients),
            ingredients: ingredients as unknown as Json,
            params: ingredients.params,
            seed: 0,
            because: 'never made before',
            inputs,
          });
          if (begun.state !== 'claimed') throw new Error(`${node.id} is ${begun.state}`);
          const outcome = {ok: true, reason: 'succeeded', detail: null, cost: {wallMs: 1}} as const;
          store.finishAttempt({...begun, outcome, outputs: {out: artifact}});
          made.set(node.id, {attempt: begun.attempt, artifact: artifact.digest});
        }
      });
    }
    store.endRun(run, 'succeeded');
    lock.release();
  } finally {
    store.close();
    process.chdir(here);
  }
}

export interface LineageSize {
  readonly runs: number;
  readonly nodes: number;
  /** Inputs of an attempt, made by earlier ones of the same run. */
  readonly edges: number;
}

/** Attempts, outputs and inputs without any bytes behind them. Returns the first and the last attempt of the last run. */
export async function fillLineage(
  folder: string,
  {runs, nodes, edges}: LineageSize,
): Promise<{readonly first: number; readonly last: number}> {
  openStore(folder).close();
  const db = new Sqlite(path.join(folder, 'store.db'));
  db.pragma('synchronous = OFF');
  db.pragma('foreign_keys = OFF');
  const insert = (table: string, columns: string) =>
    db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.replaceAll(/\w+/g, '?')})`);
  const document = Number(insert('document', 'digest, json').run(sha256('{}'), '{}').lastInsertRowid);
  const addRun = insert('run', 'recipe, seed, plan, command, started_at');
  const addAttempt = insert('attempt', 'run, node, stage, fingerprint, ingredients, params, seed, because, started_at');
  const addArtifact = insert('artifact', 'digest, shape, bytes, empty_folders');
  const addOutput = insert('output', 'attempt, port, kind, artifact');
  const addOutcome = insert('outcome', 'attempt, ok, reason, detail, at');
  const addInput = insert('input', 'attempt, port, name, artifact, made_by');
  let first = 0;
  let last = 0;
  const fillRun = db.transaction((seed: number) => {
    const run = addRun.run('bench', seed, document, 'bench', 0).lastInsertRowid;
    const made: {attempt: number; artifact: number}[] = [];
    for (let index = 0; index < nodes; index++) {
      const name = `${seed}/${index}`;
      const values = [run, `n${index}`, 'step', digestOf('fingerprint', name), document, document, seed, 'new', 0];
      const attempt = Number(addAttempt.run(...values).lastInsertRowid);
      const artifact = Number(addArtifact.run(digestOf('artifact', name), 'file', 1, '[]').lastInsertRowid);
      addOutput.run(attempt, 'out', 'text', artifact);
      addOutcome.run(attempt, 1, 'succeeded', 'null', 0);
      for (let back = 1; back <= edges; back++) {
        // The two before it, and one from far above.
        const from = made[back < edges ? index - back : Math.floor(index / 2) - 1];
        if (from !== undefined) addInput.run(attempt, 'from', `i${back}`, from.artifact, from.attempt);
      }
      made.push({attempt, artifact});
      if (index === 0) first = attempt;
      last = attempt;
    }
  });
  for (let seed = 0; seed < runs; seed++) fillRun(seed);
  db.close();
  return {first, last};
}
