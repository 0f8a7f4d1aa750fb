/**
 * Models of fixed steps of a training, kept beside the one at its end: what a curve on held-out problems is drawn from. They are an
 * output of the stage, and of every checkpoint a part, so that a training that was killed and resumed keeps the same ones.
 */
import {existsSync} from 'node:fs';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {described} from '../../pipeline/params.js';
import {linkTree} from '../link-tree.js';
import type {SideOutputs} from './training-loop.js';

/** The list of the models in a `snapshots` artifact, beside their folders. */
export const SNAPSHOT_LIST = 'snapshots.json';

/** A model that was kept. */
export interface Snapshot {
  /** The step after which it was to be kept, counted from 1. */
  readonly asked: number;
  /** The step that it is of: an earlier one where the training was finished early, before the step that was asked for. */
  readonly step: number;
  /** Where it lies in the artifact, a Hugging Face folder. */
  readonly folder: string;
}

/** `snapshots.json` of a `snapshots` artifact. */
export interface SnapshotList {
  readonly format: 'r1-snapshots-1';
  /** In the order of their steps. */
  readonly snapshots: readonly Snapshot[];
}

/** Writes the model as it is now into a folder that is not there yet. */
export type Save = (folder: string) => Promise<void>;

/** What keeps the models of a training. */
export interface Snapshots extends SideOutputs {
  /** To be called after each step, counted from 1, before a checkpoint of it. */
  take(step: number, save: Save): Promise<void>;
  /** Writes the list. Steps that the training did not reach get the model of its last step. */
  finish(last: number, save: Save): Promise<void>;
}

const folderOf = (step: number): string => `step-${step}`;

/**
 * @param folder of the output; it need not be there
 * @param steps after which a model is kept, ascending
 */
export function openSnapshots(folder: string, steps: readonly number[]): Snapshots {
  const at = (step: number): string => join(folder, folderOf(step));
  return {
    async take(step, save) {
      if (steps.includes(step)) await save(at(step));
    },
    // Links do, since nothing is written to a model that has been kept.
    async keep(place) {
      for (const step of steps) if (existsSync(at(step))) await linkTree(at(step), join(place, folderOf(step)));
    },
    async restore(place) {
      for (const step of steps) {
        const kept = join(place, folderOf(step));
        if (existsSync(kept)) await linkTree(kept, at(step));
      }
    },
    async finish(last, save) {
      await mkdir(folder, {recursive: true});
      if (steps.some((step) => step > last) && !existsSync(at(last))) await save(at(last));
      const snapshots = steps.map((asked): Snapshot => {
        const step = Math.min(asked, last);
        return {asked, step, folder: folderOf(step)};
      });
      const list: SnapshotList = {format: 'r1-snapshots-1', snapshots};
      await writeFile(join(folder, SNAPSHOT_LIST), `${JSON.stringify(list, null, 2)}\n`);
    },
  };
}

/** The list in a `snapshots` artifact; `undefined` where the folder is none. */
export async function readSnapshots(folder: string): Promise<readonly Snapshot[] | undefined> {
  const file = join(folder, SNAPSHOT_LIST);
  if (!existsSync(file)) return undefined;
  const list = JSON.parse(await readFile(file, 'utf8')) as Partial<SnapshotList> | null;
  return list?.format === 'r1-snapshots-1' ? list.snapshots : undefined;
}

const isStepList = (steps: unknown): boolean =>
  Array.isArray(steps) &&
  (steps as readonly unknown[]).every(
    (step, place) =>
      typeof step === 'number' &&
      Number.isSafeInteger(step) &&
      step > (place === 0 ? 0 : ((steps as readonly unknown[])[place - 1] as number)),
  );

/** The param of a stage that keeps snapshots. */
export const SNAPSHOTS = {
  snapshots: described<readonly number[]>(
    [],
    'Steps after which the model is kept beside the one at the end, for a curve on held-out problems (stage snapshot).',
    {should: 'a list of steps, ascending, each 1 or more', isRight: isStepList},
  ),
};

/** What a person should know of steps that lie beyond the end of the training, each a sentence. */
export function stepCautions(steps: readonly number[], last: number): string[] {
  const beyond = steps.filter((step) => step > last);
  return beyond.length === 0
    ? []
    : [`snapshots: the training ends after step ${last}, so its last model stands in for step ${beyond.join(', ')}`];
}
