/**
 * Puts a stage's sentence into the reader's terms. A stage knows its inputs by their paths in the job folder, which is
 * cleared after the attempt; a reader knows the files that a source stands for, and nodes by name.
 */
import {join} from 'node:path';
import type {AttemptId, Store} from '../../artifacts/index.js';
import {jobFiles} from '../job/folder.js';

/** `…/jobs/7/inputs/folder/config.json is not JSON` → `/home/me/model/config.json is not JSON`, or `base:model/config.json …` */
export function inReadersTerms(
  message: string,
  {attempt, store}: {readonly attempt: AttemptId; readonly store: Store},
): string {
  const {inputs} = jobFiles(store.jobFolder(attempt));
  if (!message.includes(inputs)) return message;
  const places = (store.attempt(attempt)?.inputs ?? []).map(({port, name, artifact, madeBy}) => {
    const path = name === '' ? join(inputs, port) : join(inputs, port, name);
    return {path, place: placeOf(madeBy, artifact, store)};
  });
  // Of `model` and `model-b` the longer one first, since the shorter one is part of it.
  places.sort((a, b) => b.path.length - a.path.length);
  return places.reduce((text, {path, place}) => text.replaceAll(path, () => place), message);
}

function placeOf(madeBy: AttemptId, artifact: string, store: Store): string {
  const maker = store.attempt(madeBy);
  if (maker === undefined) throw new Error(`Internal error: attempt ${madeBy} is not in the store`);
  if (maker.stage === 'source') return (maker.ingredients as {source: {path: string}}).source.path;
  return `${maker.node}:${maker.outputs.find((output) => output.artifact === artifact)?.port ?? ''}`;
}
