/** GPUs that are not there: lists of devices, and an nvidia-smi that says what a test has it say. */
import {chmodSync, readFileSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import type {TestContext} from 'node:test';
import type {StartRequest} from '../../pipeline/executors/executor.js';
import {programIn} from '../../pipeline/executors/gpus.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import {temporaryFolder} from './temporary.js';

/** A `PATH` on which there is such an nvidia-smi, `sh` and `cat`, and nothing else. */
export function nvidiaSmi(t: TestContext, script: string): string {
  const folder = temporaryFolder(t, {'nvidia-smi': `#!/bin/sh\n${script}\n`});
  chmodSync(join(folder, 'nvidia-smi'), 0o755);
  for (const name of ['sh', 'cat']) symlinkSync(programIn(process.env['PATH'], name)!, join(folder, name));
  return folder;
}

const before = {...process.env};

/** Sets variables of this process, or removes them, until the test is over. */
export function setVariables(t: TestContext, variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    setVariable(name, value);
    t.after(() => setVariable(name, before[name]));
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}

/** Has a job write down what it has of GPUs; `seenBy` reads it. */
export const SEE = 'echo "$R1_GPUS ${CUDA_VISIBLE_DEVICES-unset}" >seen.new; mv seen.new seen';

/** How many GPUs a job was given and which, as it saw it. */
export function seenBy({folder}: StartRequest): string | undefined {
  try {
    return readFileSync(join(jobFiles(folder).scratch, 'seen'), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
