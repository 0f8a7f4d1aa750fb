/** The Python process behind the grader of mathematics: how it is started, asked and ended. */
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {StageFailure} from '../../../pipeline/stage.js';
import type {MathLimits} from './limits.js';

const SERVE = new URL('../../../../stages/graders/math/serve.py', import.meta.url);
/** What serve.py imports from its own folder; named, so that a change of them counts. */
export const IMPORTED = [
  new URL('../../../../stages/graders/math/judge.py', import.meta.url),
  new URL('../../../../stages/graders/math/units.py', import.meta.url),
];

/** Without `given`, whether the reference can be read. */
export interface Question {
  readonly reference: string;
  readonly given?: string;
  readonly percent?: boolean;
  /** Whether `given` is a whole reply, in which Math-Verify finds the answer. */
  readonly whole?: true;
}

export interface Answer {
  /** `reference`: it is the reference that cannot be read. */
  readonly outcome: 'right' | 'wrong' | 'unparsable' | 'timed-out' | 'reference';
  readonly why: string | null;
  /** What Math-Verify took for the answer of a whole reply; null where there was none. */
  readonly read: string | null;
}

export interface Server {
  /** Answers in the order of the questions. One batch at a time. */
  ask(questions: readonly Question[]): Promise<Answer[]>;
  /** Ends the process at once, with all that it has forked; a batch that is on its way is rejected. */
  end(reason: Error): void;
  readonly closed: Promise<void>;
}

/** How long it may take to load, ms: 1.7 s where nothing else runs. */
const START_MS = 120_000;

/** Starts the process, and waits until it has loaded Math-Verify. @throws {StageFailure} with what Python said where it does not */
export async function startServer({
  python,
  processes,
  limits: {cpu, wall, memory},
}: {
  readonly python: string;
  readonly processes: number;
  readonly limits: MathLimits;
}): Promise<Server> {
  const words = [fileURLToPath(SERVE), processes, cpu, wall, memory].map(String);
  // Names of Python objects are hashed by a seed, and SymPy orders some things by it.
  const env = {...process.env, PYTHONHASHSEED: '0', PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1'};
  const child = spawn(python, words, {env, stdio: ['pipe', 'pipe', 'pipe']});
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => void (said = (said + chunk.toString()).slice(-4_000)));
  child.stdin.on('error', () => undefined); // Whoever writes to a process that has ended hears of it by its end.
  let waiting: {readonly answers: Map<number, Answer>; readonly count: number; done(): void} | undefined;
  let reject: (reason: Error) => void = () => undefined;
  let reason: Error | undefined;
  let isReady: () => void = () => undefined;
  const ended = (): Error =>
    reason ??
    new StageFailure(
      `the Python process that grades mathematics has ended: ${said.trim().split('\n').slice(-3).join(' ')}`,
    );
  const closed = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      reason ??= new StageFailure(`Python could not be started: ${error.message}`);
    });
    child.on('close', () => {
      reject(ended());
      resolve();
    });
  });
  createInterface({input: child.stdout}).on('line', (line) => {
    const message = JSON.parse(line) as {readonly ready?: true; readonly id: number} & Answer;
    if (message.ready === true) {
      isReady();
      return;
    }
    waiting?.answers.set(message.id, {outcome: message.outcome, why: message.why, read: message.read});
    if (waiting?.answers.size === waiting?.count) waiting?.done();
  });
  const server: Server = {
    ask: (questions) =>
      new Promise((resolve, fail) => {
        if (questions.length === 0) {
          resolve([]);
          return;
        }
        if (child.exitCode !== null || child.signalCode !== null || reason !== undefined) {
          fail(ended());
          return;
        }
        const answers = new Map<number, Answer>();
        reject = fail;
        waiting = {
          answers,
          count: questions.length,
          done: () => {
            waiting = undefined;
            resolve(questions.map((_, index) => answers.get(index)!));
          },
        };
        child.stdin.write(questions.map((question, id) => `${JSON.stringify({id, ...question})}\n`).join(''));
      }),
    end(why) {
      reason ??= why;
      child.kill('SIGKILL');
    },
    closed,
  };
  const timer = setTimeout(() => {
    server.end(new StageFailure(`Math-Verify did not load within ${START_MS / 1000} s`));
  }, START_MS);
  await new Promise<void>((resolve, fail) => {
    isReady = resolve;
    reject = fail;
  }).finally(() => clearTimeout(timer));
  return server;
}
