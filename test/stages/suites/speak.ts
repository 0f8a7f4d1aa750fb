/** Suites run on a model that says what a test wants it to. */
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {TestContext} from 'node:test';
import {localModel, runSuite, shippedSuite} from '../../../stages/suites/index.js';
import type {SuiteFiles, SuiteOptions, SuiteResult} from '../../../stages/suites/index.js';
import type {Role} from '../../../stages/suites/roles.js';
import {writeSpeaker, type Line} from '../../rig/speaker.js';
import {temporaryFolder} from '../../rig/temporary.js';

export interface Spoken {
  /** Files by what they are: their names and their rows or texts. */
  readonly files: Readonly<Partial<Record<Role, readonly [name: string, content: string | readonly object[]]>>>;
  /** What the model says to a question with the word `key-N`. */
  readonly says: Readonly<Record<string, readonly string[]>>;
  readonly options?: Partial<SuiteOptions>;
}

/** Runs a suite on files that are written for it; two samples each unless it is said otherwise. */
export async function speak(
  t: TestContext,
  suite: string | Parameters<typeof runSuite>[0],
  {files, says, options}: Spoken,
): Promise<SuiteResult & {readonly noted: readonly string[]}> {
  const folder = temporaryFolder(t);
  const lines: Line[] = Object.entries(says).map(([key, replies]) => ({key, replies}));
  await writeSpeaker(join(folder, 'model'), lines);
  mkdirSync(join(folder, 'data'));
  const given: SuiteFiles = Object.fromEntries(
    Object.entries(files).map(([role, [name, content]]) => {
      const path = join(folder, 'data', name);
      writeFileSync(path, typeof content === 'string' ? content : content.map((row) => JSON.stringify(row)).join('\n'));
      return [role, [{path, name}]];
    }),
  );
  const noted: string[] = [];
  const note = (text: string): void => void noted.push(text);
  const result = await runSuite(typeof suite === 'string' ? await shippedSuite(suite) : suite, {
    files: given,
    askModel: localModel(join(folder, 'model'), {threads: 1, cores: 1, note}),
    seed: 7,
    grading: {},
    cores: 1,
    note,
    done: () => undefined,
    ...options,
    asking: {samples: 2, maxNewTokens: 8, ...options?.asking},
  });
  return {...result, noted};
}

/** The means of a result by their measure. */
export const means = ({scores}: SuiteResult): Record<string, number> =>
  Object.fromEntries(scores.map(({metric, mean}) => [metric, mean]));
