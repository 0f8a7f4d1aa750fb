/** A contender as the benchmark sees it: a process that has its model in memory and makes steps when it is told to. */
import {spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import type {Interface} from 'node:readline';

export interface Started {
  readonly version: string;
  /** What the first two calls computed: the losses before and after an update. */
  readonly values: readonly [number, number];
  readonly firstMs: number;
  readonly laterMs: number;
}

export interface Memory {
  readonly beforeMiB: number;
  readonly peakMiB: number;
}

export class Contender {
  readonly #lines: AsyncIterator<string>;
  #said = '';

  private constructor(
    private readonly child: ChildProcess,
    reader: Interface,
  ) {
    this.#lines = reader[Symbol.asyncIterator]();
    child.stderr!.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-2000)));
    // Who waits for an answer learns of it: the output ends. So does the input of a program that is not there.
    child.once('error', ({message}) => (this.#said = message));
    child.stdin!.once('error', () => undefined);
  }

  /** Starts the process. It loads its model before it answers. */
  static start(words: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}): Contender {
    const [program, ...args] = words;
    const child = spawn(program, args, {stdio: 'pipe', env: {...process.env, ...env}});
    return new Contender(child, createInterface({input: child.stdout}));
  }

  /** The first two calls, the first of which compiles. */
  start(): Promise<Started> {
    return this.#ask('start') as Promise<Started>;
  }

  /** Milliseconds a step over this many calls. */
  async go(calls: number): Promise<number> {
    return ((await this.#ask(`go ${calls}`)) as {ms: number}).ms;
  }

  memory(): Promise<Memory> {
    return this.#ask('memory') as Promise<Memory>;
  }

  /** Tells it to end and waits until it has. */
  async end(): Promise<void> {
    const {child} = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.stdin!.end();
    await ended;
  }

  async #ask(line: string): Promise<unknown> {
    this.child.stdin!.write(`${line}\n`);
    const answer = await this.#lines.next();
    if (answer.done) {
      const last = this.#said.trim().split('\n').at(-1) ?? '';
      throw new Error(last === '' ? 'the process ended without an answer' : last.slice(0, 300));
    }
    return JSON.parse(answer.value);
  }
}
