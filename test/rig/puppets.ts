/**
 * An executor whose jobs are puppets: they start when the runner says so and end when the test says so. Outputs and
 * results are written as a real process would write them.
 */
import {mkdirSync, readFileSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {AdoptRequest, Adoption, Executor, Exit, Running, StartRequest} from '../../pipeline/executors/executor.js';
import {jobFiles, readJob, writeJson} from '../../pipeline/job/folder.js';
import type {EarlyEnd, Job, JobResult} from '../../pipeline/job/folder.js';
import type {Resources} from '../../pipeline/stage.js';
import {PATIENCE} from './command.js';

export interface Puppet {
  readonly node: string;
  readonly folder: string;
  readonly job: Job;
  /** What was asked of it. */
  readonly asked: ('stop' | 'kill')[];
  end(exit: Exit['how']): void;
}

export class Puppets implements Executor {
  /** Nodes in the order of their starts. */
  readonly started: string[] = [];
  readonly #running = new Map<string, Puppet>();
  readonly #waiting = new Map<string, (puppet: Puppet) => void>();
  /** The machine on which they play; another name is another start of it. */
  machine = 'stage';
  /** What is said of a puppet whose runner is gone; by default, that it is gone as well. */
  onAdopt = ({epoch}: AdoptRequest): Adoption => ({state: 'gone', trusted: epoch === this.machine});
  /** Called when a puppet is asked to stop or is killed; by default it ends the way a process would. */
  onSignal = (puppet: Puppet, signal: 'stop' | 'kill'): void => {
    if (signal === 'kill') puppet.end({type: 'signalled', signal: 'SIGKILL'});
    else this.#finish(puppet, {end: 'stopped'});
  };

  async start({folder}: StartRequest): Promise<Running> {
    const read = readJob(folder);
    if (!read.ok) throw new Error(read.error);
    const job = read.value;
    let resolve: (exit: Exit) => void = () => undefined;
    const exit = new Promise<Exit>((settle) => (resolve = settle));
    const puppet: Puppet = {
      node: job.node,
      folder,
      job,
      asked: [],
      end: (how) => {
        this.#running.delete(job.node);
        resolve({how, leftovers: []});
      },
    };
    this.started.push(job.node);
    this.#running.set(job.node, puppet);
    this.#waiting.get(job.node)?.(puppet);
    this.#waiting.delete(job.node);
    const signal = (name: 'stop' | 'kill') => async () => {
      puppet.asked.push(name);
      this.onSignal(puppet, name);
    };
    return {exit, stop: signal('stop'), kill: signal('kill'), usage: async () => undefined};
  }

  async epoch(): Promise<string> {
    return this.machine;
  }

  async capacity(): Promise<Resources> {
    return {cpu: 100, gpu: 1, memory: 1000};
  }

  async adopt(job: AdoptRequest): Promise<Adoption> {
    return this.onAdopt(job);
  }

  async isRunning({folder}: StartRequest): Promise<boolean> {
    return [...this.#running.values()].some((puppet) => puppet.folder === folder);
  }

  /** The puppet of `node`, once it has started. */
  async at(node: string): Promise<Puppet> {
    const running = this.#running.get(node);
    if (running !== undefined) return running;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`“${node}” never started; started: ${this.started.join(', ')}`)),
        PATIENCE,
      );
      // Of two nodes that a test waits for side by side, one may never start, and the other be enough.
      timer.unref();
      this.#waiting.set(node, (puppet) => {
        clearTimeout(timer);
        resolve(puppet);
      });
    });
  }

  get running(): string[] {
    return [...this.#running.keys()];
  }

  /** Ends `node` well. Its outputs hold `content`; by default they depend on nothing but node, params and inputs. */
  async succeed(node: string, content?: string): Promise<void> {
    await this.#makeAndEnd(node, {end: 'succeeded'}, content);
  }

  /** The same, as one does that was asked to finish early. */
  async finishEarly(node: string, early: EarlyEnd, content?: string): Promise<void> {
    await this.#makeAndEnd(node, {end: 'succeeded', early}, content);
  }

  async #makeAndEnd(node: string, result: JobResult, content?: string): Promise<void> {
    const puppet = await this.at(node);
    const text = content ?? this.#work(puppet);
    for (const path of Object.values(puppet.job.outputs)) {
      mkdirSync(join(puppet.folder, path), {recursive: true});
      writeFileSync(join(puppet.folder, path, 'content.txt'), text);
    }
    this.#finish(puppet, result);
  }

  /** Ends `node` badly, with a result or, without one, by an exit code. */
  async fail(node: string, how: JobResult | Exit['how'] = {end: 'failed', message: 'it did not work'}): Promise<void> {
    const puppet = await this.at(node);
    if ('end' in how) this.#finish(puppet, how);
    else puppet.end(how);
  }

  #finish(puppet: Puppet, result: JobResult): void {
    writeJson(jobFiles(puppet.folder).result, result);
    puppet.end({type: 'exited', code: result.end === 'succeeded' ? 0 : 1});
  }

  #work({node, folder, job}: Puppet): string {
    const inputs = Object.values(job.inputs).map((path) => contentOf(join(folder, path as string)));
    return `${node}${JSON.stringify(job.params)}(${inputs.join(',')})`;
  }
}

function contentOf(path: string): string {
  if (statSync(path).isFile()) return readFileSync(path, 'utf8');
  return readdirSync(path)
    .sort()
    .map((name) => contentOf(join(path, name)))
    .join(';');
}
