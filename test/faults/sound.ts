/** What holds of a store after any fault, and how the harness draws and names its faults. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {openStore} from '../../artifacts/index.js';
import {verify} from '../../artifacts/upkeep/verify.js';
import {descendantsOf} from '../../pipeline/executors/process-table.js';

/** Mulberry32: enough to spread faults, and a seed repeats them. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const jobsOf = (cwd: string): string[] => {
  const folder = join(cwd, '.r1', 'jobs');
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
};

/** Node → digest of what it made, of the newest run. */
export function outputsOf(cwd: string): Record<string, string> {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    const nodes = store.nodesOf(store.latestRun()!.id);
    const outputs = nodes.map(({node, attempt}): [string, string] => [
      node,
      store.attempt(attempt!)!.outputs[0]!.artifact,
    ]);
    return Object.fromEntries(outputs.sort());
  } finally {
    store.close();
  }
}

/** Every fingerprint has at most one success, every success its bytes; when all is over, every attempt an outcome. */
export function assertSound(cwd: string, {over}: {readonly over: boolean}): void {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    if (over) assert.deepEqual(store.orphans(), []);
    const successes = new Map<string, Set<number>>();
    for (const {id} of store.runs()) {
      for (const {node} of store.nodesOf(id)) {
        for (const attempt of store.attemptsOf(id, node)) {
          if (over) assert.ok(attempt.outcome !== undefined, `attempt ${attempt.id} has an outcome`);
          if (attempt.outcome?.ok !== true) continue;
          successes.set(attempt.fingerprint, (successes.get(attempt.fingerprint) ?? new Set()).add(attempt.id));
          for (const {artifact} of attempt.outputs) assert.ok(store.isPresent(artifact));
        }
      }
    }
    for (const [fingerprint, {size}] of successes) assert.equal(size, 1, `${fingerprint} was made ${size} times`);
  } finally {
    store.close();
  }
}

/** Reads every byte again: the database, the manifests and the blobs are as recorded. */
export async function assertWhole(cwd: string): Promise<void> {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    const steps = verify(store);
    let step = await steps.next();
    while (step.done !== true) step = await steps.next();
    const {database, manifests, damaged} = step.value;
    assert.deepEqual([...database, ...manifests, ...damaged], []);
  } finally {
    store.close();
  }
}

/** No process of any attempt is left. */
export function assertNothingRuns(cwd: string): void {
  for (const folder of jobsOf(cwd)) {
    const file = join(folder, 'job.json');
    if (!existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    if (text === '') continue; // its runner was killed before it wrote it, so nothing was started
    const {tag} = JSON.parse(text) as {tag: string};
    assert.deepEqual(descendantsOf({tag}), []);
  }
}
