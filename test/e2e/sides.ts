/** Checks on the artifacts of a run that nothing which is trained on is a problem of the validation or held-out side. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import type {RunId, Store} from '../../artifacts/index.js';
import {dialsProblem, dialsQuestion} from '../../stages/tasks/dials.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {heldOutDials, heldOutGeneral, validationDials} from '../../stages/tasks/prompt-sets.js';
import {splitOf} from '../../stages/tasks/splits.js';

/** Port of a node whose rows are trained on, by what its rows ask. */
const TRAINED_ON = [
  ['corpus', 'documents'],
  ['prompts', 'train'],
  ['prompts', 'generalTrain'],
  ['cold-start-data', 'dataset'],
  ['cold-start-data', 'rollouts'],
  ['rejection-sampling', 'dataset'],
  ['rejection-sampling', 'rollouts'],
  ['general-data', 'dataset'],
  ['preference-data', 'pairs'],
  ['preference-data', 'labels'],
  ['zero-rl', 'rollouts'],
  ['reasoning-rl', 'rollouts'],
  ['all-scenario-rl', 'rollouts'],
  ['student-rl', 'rollouts'],
] as const;

interface Row {
  readonly id: string;
  readonly key?: string;
  /** Of corpus documents. */
  readonly prompt?: string;
  readonly question?: string;
}

function rowsOf(store: Store, run: RunId, node: string, port: string): Row[] {
  const {attempt} = store.nodesOf(run).find((other) => other.node === node)!;
  const {artifact} = store.attempt(attempt!)!.outputs.find((output) => output.port === port)!;
  const {sha256} = store.artifact(artifact)!.files.find(({path}) => path === 'rows.jsonl')!;
  const lines = readFileSync(store.parts.blobs.path(sha256), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Row);
}

export function assertSidesKept(store: Store, run: RunId): void {
  const measured = [...heldOutDials(), ...validationDials(), ...heldOutGeneral()];
  assert.deepEqual(
    ['heldOut', 'validation', 'generalHeldOut'].flatMap((port) => rowsOf(store, run, 'prompts', port)),
    measured,
  );
  const forbidden = new Set(measured.flatMap(inBothLanguages));
  const keyOf = new Map<string, string>();
  for (const {question, key} of ['train', 'generalTrain'].flatMap((port) => rowsOf(store, run, 'prompts', port))) {
    keyOf.set(question!, key!);
  }
  for (const [node, port] of TRAINED_ON) {
    const rows = rowsOf(store, run, node, port);
    assert.ok(rows.length > 0, `${node}:${port} has rows`);
    for (const row of rows) {
      const where = `${node}:${port}, row ${row.id}`;
      // A corpus document holds its question inside a template, or none at all; every other row has it bare.
      const asked = row.question ?? row.prompt!;
      assert.ok(!forbidden.has(asked), `${where} asks a question that is measured on`);
      if (row.prompt !== undefined) {
        for (const question of forbidden) assert.ok(!row.prompt.includes(question), `${where} holds “${question}”`);
      }
      // Rows of general-data are drawn from all training families, not from the prompt set.
      const key =
        row.key ??
        keyOf.get(asked) ??
        (node === 'general-data' ? undefined : assert.fail(`${where} is of no training prompt`));
      if (key !== undefined) assert.equal(splitOf(key), 'train', where);
    }
  }
}

/** A problem's question as it stands and in the other language, which counts as the same problem. */
function inBothLanguages(prompt: Prompt): string[] {
  if (prompt.task !== 'dials') return [prompt.question];
  const [start, turns] = [/^dials:(\d)(\d):/.exec(prompt.key)!, [...prompt.key.matchAll(/([LR])([+-]\d)/g)]];
  const moves = turns.map(([, dial, by]) => ({dial: dial === 'L' ? 0 : 1, by: Number(by)}) as const);
  const questions = (['en', 'zh'] as const).map((language) =>
    dialsQuestion(dialsProblem([Number(start[1]), Number(start[2])], moves, language)),
  );
  assert.ok(questions.includes(prompt.question), `${prompt.key} is “${prompt.question}”`);
  return questions;
}
