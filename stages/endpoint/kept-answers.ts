/** Answers kept in a folder of a person's own, for who asks without a run: the same question is not asked twice. */
import {existsSync} from 'node:fs';
import {mkdir, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import type {Checkpoints} from '../../pipeline/stage.js';

/** Answers are made safe once in so many ms. */
const OFTEN = 5_000;
/** The rows last: they are what counts. */
const FILES = ['card.json', 'rows.jsonl'];

/** @param folder holds the answers of earlier calls, or is not there yet */
export async function keptAnswers(folder: string): Promise<Checkpoints> {
  await mkdir(folder, {recursive: true});
  let savedAt = performance.now();
  return {
    latest: existsSync(join(folder, 'rows.jsonl')) ? folder : undefined,
    isStopAsked: () => false,
    due: () => performance.now() - savedAt >= OFTEN,
    async save(_, write) {
      const writing = join(folder, `writing-${process.pid}`);
      await mkdir(writing, {recursive: true});
      try {
        await write(writing);
        for (const file of FILES) await rename(join(writing, file), join(folder, file));
      } finally {
        await rm(writing, {recursive: true, force: true});
      }
      savedAt = performance.now();
    },
  };
}
