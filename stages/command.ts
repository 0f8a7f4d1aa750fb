/**
 * Any program as a stage: a script, a compiler, another framework's trainer. Its inputs and outputs are declared, its
 * params become arguments, its exit code is the outcome. A file of its own that it runs is named by
 * `new URL('./train.py', import.meta.url)`: then its bytes count in the fingerprint like a module's.
 *
 *     export const tokenise = command({
 *       module: import.meta.url, name: 'tokenise',
 *       inputs: {text: 'dataset'}, outputs: {tokens: 'dataset'}, params: {size: 256},
 *       argv: ({inputs, outputs, params}) =>
 *         ['python3', new URL('./tokenise.py', import.meta.url), inputs.text, outputs.tokens, '--size', params.size],
 *     });
 *
 * The program runs in the attempt's scratch folder. What it is told of its job, and how it reports, keeps checkpoints, stops and
 * ends, is the protocol of `pipeline/job/README.md`.
 */
import {fileURLToPath} from 'node:url';
import {StageFailure, Stopped, defineStage} from '../pipeline/stage.js';
import type {
  CommandContext,
  EnvironmentWords,
  InputPorts,
  OutputPorts,
  Params,
  Stage,
  StageDefinition,
  StageEnvironment,
} from '../pipeline/stage.js';

/** A stage that is a program: what `defineStage` takes, with `argv` in the place of `run`. */
export interface CommandDefinition<
  I extends InputPorts,
  O extends OutputPorts,
  P extends Params,
  W extends EnvironmentWords = NoWords,
> extends Omit<StageDefinition<I, O, P>, 'run' | 'argv' | 'definitions' | 'check' | 'environment'> {
  /** What it runs in beside the machine, as `python` makes it; what that adds is in the context of `argv`. */
  readonly environment?: StageEnvironment<W>;
  /** The program and its arguments. Numbers are written as JavaScript writes them, file URLs as paths. */
  argv(context: CommandContext<I, O, P> & W): readonly (string | number | URL)[];
}

/** Of a stage without an environment: its `argv` is given nothing beside what every `argv` is given. */
export type NoWords = {readonly [word in never]: string};

/**
 * Declares a stage that runs a program, with its stdout and stderr as the attempt's log.
 *
 * @throws {StageFailure} from `run`: the command is empty, cannot be started, exits with another code than 0, or is
 * killed by a signal
 * @throws {Stopped} from `run`, once a program that was asked to stop has ended
 */
export function command<
  const I extends InputPorts,
  const O extends OutputPorts,
  P extends Params,
  W extends EnvironmentWords = NoWords,
>(definition: CommandDefinition<I, O, P, W>): Stage<I, O, P> {
  return defineStage<I, O, P>({
    ...definition,
    async run(context) {
      const environment = (await definition.environment?.open(context)) ?? ({} as W);
      const [program, ...words] = definition
        .argv({...environment, ...context})
        .map((word) => (word instanceof URL ? fileURLToPath(word) : String(word)));
      if (program === undefined) throw new StageFailure(`the command of “${definition.name}” is empty`);
      await runProgram(program, words, context);
    },
  });
}

/** Runs a program with our own stdout and stderr. Rejects with a StageFailure unless it exits with 0. */
async function runProgram(
  program: string,
  words: readonly string[],
  {scratch, signal}: {scratch: string; signal: AbortSignal},
): Promise<void> {
  // A recipe that only names the stage does not need it.
  const {spawn} = await import('node:child_process');
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {cwd: scratch, stdio: ['ignore', 'inherit', 'inherit']});
    signal.addEventListener('abort', () => child.kill('SIGTERM'), {once: true});
    child.on('error', (error) => reject(new StageFailure(`${program} could not be started: ${error.message}`)));
    child.on('close', (code, by) => {
      if (signal.aborted) reject(new Stopped());
      else if (code === 0) resolve();
      else
        reject(
          new StageFailure(
            code === null ? `${program} was killed by ${by ?? 'a signal'}` : `${program} exited with ${code}`,
          ),
        );
    });
  });
}
