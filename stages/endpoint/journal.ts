/** Answers that are there already, by what was asked: in the checkpoints of a stage, so that one that was killed asks for the rest. */
import {eachRow, readCard, writeRows} from '../data/rows.js';
import type {Checkpoints} from '../../pipeline/stage.js';
import type {Answer} from './answer.js';

export interface Journal {
  /** How many answers there are. */
  readonly size: number;
  get(asked: string): Answer | undefined;
  /** Keeps an answer, and all of them safe where it is time for that. @throws {Stopped} where a stop was asked for, once they are */
  add(asked: string, answer: Answer): Promise<void>;
  /** What was refused will be asked again. */
  forgetRefusals(): void;
  /** Makes safe what is not. @throws {Stopped} where a stop was asked for, once it is */
  flush(): Promise<void>;
}

/** For whoever keeps nothing: what has been answered is gone with the process. */
export const NO_CHECKPOINTS: Checkpoints = {
  latest: undefined,
  due: () => false,
  isStopAsked: () => false,
  save: async () => undefined,
};

/** A row of a checkpoint. */
interface Kept extends Answer {
  /** Digest of what was asked. */
  readonly asked: string;
}

/** Opens the answers of the newest checkpoint. */
export async function openJournal(checkpoints: Checkpoints): Promise<Journal> {
  const answers = new Map<string, Answer>();
  /** Of the newest checkpoint: of two, the one of the higher step counts, whatever it holds. */
  let step = 0;
  if (checkpoints.latest !== undefined) {
    // Written by this module, and whole: a checkpoint is read only if its bytes are those that were written.
    await eachRow(checkpoints.latest, (row) => {
      const {asked, ...answer} = row as Kept;
      answers.set(asked, answer);
    });
    ({step} = (await readCard(checkpoints.latest)) as unknown as {step: number});
  }
  /** How often the answers have changed, and how often they had when they were last made safe. */
  let [changes, saved] = [0, 0];
  let saving: Promise<void> | undefined;
  const save = async (): Promise<void> => {
    step = Math.max(step + 1, answers.size);
    saved = changes;
    const rows = [...answers].map(([asked, answer]): Kept => ({asked, ...answer}));
    await checkpoints.save(step, (folder) => writeRows(folder, rows, {step}));
  };
  /** One at a time. */
  const saveAlone = async (): Promise<void> => {
    saving = save().finally(() => (saving = undefined));
    await saving;
  };
  return {
    get size() {
      return answers.size;
    },
    get: (asked) => answers.get(asked),
    async add(asked, answer) {
      answers.set(asked, answer);
      changes += 1;
      if (!checkpoints.due(answers.size)) return;
      while (saving !== undefined) await saving;
      if (saved !== changes) await saveAlone();
    },
    forgetRefusals() {
      for (const [asked, {finish}] of answers) if (finish === 'refused' && answers.delete(asked)) changes += 1;
    },
    async flush() {
      await saving?.catch(() => undefined); // Whoever began it is told.
      if (saved !== changes) await saveAlone();
    },
  };
}
