/**
 * Pickles from outside, which may call whatever they name when they are read: they are read in the sandbox, by a reader that looks nothing
 * up, and only a text comes out.
 */
import {createInterface} from 'node:readline';
import {StageFailure} from '../../pipeline/stage.js';
import {limitsOf} from './limits.js';
import {openPythonSandbox} from './python.js';
import type {SandboxKind} from './names.js';
import type {Running} from './sandbox.js';

// Python lies in the sources, as it is.
const READER = new URL('../../../stages/sandbox/plain-pickle.py', import.meta.url);

/** Data sets have hundreds of these texts, of some megabytes each. */
const LIMITS = limitsOf(600, {waitSeconds: Infinity, memoryBytes: 2 ** 31, processes: 4});

/** Reads such texts for as long as it is open. */
export interface PickleReader {
  /**
   * The text that base64 of a compressed pickle holds.
   *
   * @param at where it stands, for messages
   * @throws {StageFailure} where it is anything else
   */
  read(packed: string, at: string): Promise<string>;
  close(): Promise<void>;
}

/** @throws {StageFailure} where there is no sandbox that holds */
export async function openPickleReader(kind: SandboxKind): Promise<PickleReader> {
  const {sandbox, argv} = await openPythonSandbox(kind);
  let running: Running | undefined;
  let answers: AsyncIterator<string> | undefined;
  return {
    async read(packed, at) {
      running ??= sandbox.start(argv(READER), {limits: LIMITS});
      answers ??= createInterface({input: running.stdout, crlfDelay: Infinity})[Symbol.asyncIterator]();
      running.stdin.write(`${JSON.stringify(packed)}\n`);
      const next = await answers.next();
      if (next.done === true) {
        const {how} = await running.ended;
        throw new StageFailure(`${at}: its tests cannot be unpacked: what reads them was ended (${how})`);
      }
      const answer = JSON.parse(next.value) as {readonly text?: string; readonly error?: string};
      if (answer.text === undefined) throw new StageFailure(`${at}: its tests cannot be unpacked: ${answer.error!}`);
      return answer.text;
    },
    async close() {
      running?.end('stopped');
      await running?.ended;
    },
  };
}
