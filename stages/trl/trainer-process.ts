/** A trainer in Python: how its processes are started, answered and ended. */
import {spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {StageFailure} from '../../pipeline/stage.js';
import {openTrainerServer} from './trainer-server.js';
import type {Answers} from './trainer-server.js';

/** How long a trainer that was told to end may take to do so before it is killed, ms. */
const PATIENCE = 15_000;

export interface TrainerOptions {
  /** The interpreter. */
  readonly python: string;
  readonly program: URL;
  /** What the program is told, as JSON. */
  readonly spec: object;
  readonly ranks: number;
  readonly threads: number;
  /** The folder that it works in. */
  readonly scratch: string;
  /** Answers what it tells and asks. What one of them throws ends the training with it. */
  readonly answers: Answers;
}

/**
 * Runs a trainer to its end.
 *
 * @throws what an answer threw, {StageFailure} where the trainer failed
 */
export async function runTrainer(options: TrainerOptions): Promise<void> {
  const {python, program, spec, ranks, threads, scratch, answers} = options;
  let ended: Error | undefined;
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  const end = (error: Error): void => {
    ended ??= error;
    // It ends by itself once it has the answer, and torch.distributed.run ends the other ranks.
    timer ??= setTimeout(() => child?.kill('SIGKILL'), PATIENCE);
  };
  const server = await openTrainerServer(
    {
      ...answers,
      failure: ({message}: {message: string}) => {
        throw new StageFailure(message);
      },
    },
    end,
  );
  try {
    const file = join(scratch, 'training.json');
    await writeFile(file, JSON.stringify(spec));
    const script = [fileURLToPath(program), file];
    // Not `accelerate launch --cpu`, which runs a single process whatever it is told.
    const words = ranks === 1 ? script : ['-m', 'torch.distributed.run', ...launching(ranks), ...script];
    child = spawn(python, words, {
      cwd: scratch,
      env: {...environment(threads, scratch), R1_TRAINER_ADDRESS: server.address, R1_TRAINER_TOKEN: server.token},
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const how = await exitOf(child);
    if (ended !== undefined) throw ended;
    if (how !== undefined) throw new StageFailure(`the trainer ${how}; its log says why`);
  } finally {
    clearTimeout(timer);
    await server.close();
  }
}

const launching = (ranks: number): string[] => [
  ...['--nnodes', '1', '--nproc-per-node', String(ranks)],
  // On this machine alone, on a port that is free.
  ...['--rdzv-backend', 'c10d', '--rdzv-endpoint', '127.0.0.1:0', '--local-addr', '127.0.0.1'],
];

/** Nothing comes from a hub, nothing is written outside of the attempt's folder, and equal seeds give equal bytes. */
const environment = (threads: number, scratch: string): NodeJS.ProcessEnv => ({
  ...process.env,
  HF_HUB_OFFLINE: '1',
  HF_HOME: join(scratch, 'hf'),
  HF_HUB_DISABLE_PROGRESS_BARS: '1',
  TOKENIZERS_PARALLELISM: 'false',
  OMP_NUM_THREADS: String(threads),
  CUBLAS_WORKSPACE_CONFIG: ':4096:8',
  PYTHONHASHSEED: '0',
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONUTF8: '1',
  PYTHONUNBUFFERED: '1',
});

/** How a process ended, as the end of a sentence; `undefined` where it ended well. */
const exitOf = (child: ChildProcess): Promise<string | undefined> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : code === null ? `was killed by ${signal}` : `exited with ${code}`),
    );
  });
