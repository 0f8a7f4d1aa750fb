/** A project whose stage is given definitions of the kind `grader`, each in a module of its own beside the recipe. */

/** The helper that a package of stages would have, as `defineReward` is one. */
const DEFINE = `
  import type {Definition} from 'r1';
  export interface Grader extends Definition<'grader'> {readonly grade: (text: string) => string}
  export const defineGrader = (grader: Omit<Grader, 'kind'>): Grader => ({kind: 'grader', ...grader});`;

/** A module that exports one grader, with a helper of its own. */
export const grader = (name: string, grade: string, before = ''): string => `
  import {defineGrader} from './define.js';
  ${before}
  export const ${name} = defineGrader({module: import.meta.url, name: '${name}', grade: (text) => ${grade}});`;

/**
 * A stage that writes down what its graders say, in its own thread and in a worker, and one that waits until there is a file.
 * `weights` are to name each of the graders that it is given.
 */
const STAGES = `
  import {writeFileSync} from 'node:fs';
  import {Worker} from 'node:worker_threads';
  import {defineStage, importDefinition, optional, param} from 'r1';
  import type {DefinitionRef} from 'r1';
  import type {Grader} from './define.js';

  export const grades = defineStage({
    module: import.meta.url, name: 'grades', inputs: {after: optional('data')}, outputs: {out: 'data'},
    params: {text: 'a', weights: param<Readonly<Record<string, number>>>({})},
    definitions: {graders: 'grader', others: 'grader'},
    check: ({params, definitions}) => Object.keys(params.weights).flatMap((name) =>
      definitions.graders.some((each) => each.name === name) ? [] : ['no grader is called “' + name + '”']),
    async run({outputs, params, definitions}) {
      writeFileSync(outputs.out, JSON.stringify({
        here: await Promise.all(definitions.graders.map(async (ref) => {
          const grader = (await importDefinition(ref)) as Grader;
          return [grader.name, grader.grade(params.text)];
        })),
        thread: definitions.graders.length === 0 ? [] : await inThread(definitions.graders, params.text),
        others: definitions.others.length,
      }));
    },
  });

  const inThread = (refs: readonly DefinitionRef[], text: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./thread.ts', import.meta.url), {workerData: {refs, text}});
      worker.once('message', resolve);
      worker.once('error', reject);
    });`;

const THREAD = `
  import {parentPort, workerData} from 'node:worker_threads';
  import {importDefinition} from 'r1';
  const said = [];
  for (const ref of workerData.refs) {
    const grader = await importDefinition(ref);
    said.push([grader.name, grader.grade(workerData.text)]);
  }
  parentPort.postMessage(said);`;

/** What every such project has. */
export const GRADERS = {
  'package.json': '{"type": "module"}',
  'define.ts': DEFINE,
  'stages.ts': STAGES,
  'thread.ts': THREAD,
};
