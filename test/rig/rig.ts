/** A store, puppets for processes, and recipes that are written as `{zero: ['base']}`: node → what it needs. */
import {join} from 'node:path';
import {mkdirSync, writeFileSync} from 'node:fs';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {openStore} from '../../artifacts/index.js';
import type {Digest, Reusable, Store} from '../../artifacts/index.js';
import type {RunEvent} from '../../pipeline/events.js';
import {graphOf, planWiring} from '../../pipeline/plan/prepare.js';
import type {Prepared, RunRequest} from '../../pipeline/plan/prepare.js';
import type {NodeOptions} from '../../pipeline/recipe.js';
import {runPlan} from '../../pipeline/run/run.js';
import type {RunOptions, RunSummary} from '../../pipeline/run/options.js';
import {select} from '../../pipeline/wiring/selection.js';
import type {AnyStage, Params} from '../../pipeline/stage.js';
import {stopSwitch} from '../../pipeline/run/stop.js';
import {wire} from '../../pipeline/wiring/wire.js';
import type {StageNode, WiredNode} from '../../pipeline/wiring/nodes.js';
import {Puppets} from './puppets.js';
import {temporaryFolder} from './temporary.js';

/** Node → what it needs; a name with a slash is the path of a source. */
export type Shape = Readonly<Record<string, readonly string[]>>;

export interface RigOptions extends Partial<Omit<RunOptions, 'store' | 'emit'>> {
  readonly request?: Partial<RunRequest>;
  readonly params?: Readonly<Record<string, Params>>;
  readonly options?: Readonly<Record<string, NodeOptions>>;
  readonly prefetched?: ReadonlyMap<Digest, Reusable>;
}

export class Rig {
  readonly folder: string;
  readonly store: Store;
  readonly puppets: Puppets;
  readonly stop = stopSwitch();
  readonly events: RunEvent[] = [];
  readonly #code = new Map<string, string>();
  #versions = 0;

  /** @param beside another rig whose store this one shares, as a second runner would */
  constructor(t: TestContext, beside?: Rig) {
    this.folder = beside?.folder ?? temporaryFolder(t);
    this.store = openStore(join(this.folder, 'store'));
    this.puppets = new Puppets();
    t.after(() => this.store.close());
  }

  get started(): readonly string[] {
    return this.puppets.started;
  }

  /** Changes the code of the stage of `node`. */
  code(node: string, source: string): void {
    this.#code.set(node, source);
  }

  /** Writes a file that a source node may stand on. */
  file(path: string, content: string): void {
    mkdirSync(join(this.folder, path, '..'), {recursive: true});
    writeFileSync(join(this.folder, path), content);
  }

  async prepare(
    shape: Shape,
    {request = {}, params = {}, options = {}, prefetched = new Map()}: RigOptions = {},
  ): Promise<Prepared> {
    const stages = new Map(
      Object.entries(shape)
        .filter(([, needs]) => !isSource(needs))
        .map(([id, needs]) => [id, this.#stage(id, needs)]),
    );
    const wired = wire(
      {
        name: 'test',
        wire: (add) => {
          for (const [id, needs] of Object.entries(shape)) {
            const [first] = needs;
            if (isSource(needs)) add.source(id, 'data', join(this.folder, first!));
            else {
              const inputs = needs.map((need) => [
                need,
                {node: need, port: stages.has(need) ? 'out' : 'output', kind: 'data'},
              ]);
              add(id, stages.get(id)! as never, Object.fromEntries(inputs) as never, params[id] as never, options[id]);
            }
          }
        },
      },
      this.folder,
    );
    if (!wired.ok) throw new Error(wired.error.map(({message}) => message).join('\n'));
    const graph = graphOf(wired.value);
    const exports = new Map<AnyStage, string>(
      [...wired.value.nodes.values()].filter(isStageNode).map(({stage}) => [stage, 'stage']),
    );
    return planWiring({
      wiring: wired.value,
      graph,
      selected: select(graph, request),
      seed: request.seed ?? 0,
      force: new Set(request.force),
      exports,
      store: this.store,
      runtimeOf: (threads) => ({threads}),
      prefetched,
    });
  }

  async run(shape: Shape, options: RigOptions = {}): Promise<RunSummary> {
    return this.carryOut(await this.prepare(shape, options), options);
  }

  carryOut(prepared: Prepared, options: RigOptions = {}): Promise<RunSummary> {
    return runPlan(prepared, {
      store: this.store,
      executor: this.puppets,
      capacity: {jobs: 100},
      onFailure: 'finish',
      stop: this.stop,
      grace: 5,
      command: 'r1 run test',
      emit: (event) => this.events.push(event),
      ...options,
    });
  }

  succeed(node: string, content?: string): Promise<void> {
    return this.puppets.succeed(node, content);
  }

  fail(...args: Parameters<Puppets['fail']>): Promise<void> {
    return this.puppets.fail(...args);
  }

  /** Action and reason of each node in the newest plan. */
  async plan(shape: Shape, options: RigOptions = {}): Promise<Record<string, string>> {
    const {plan} = await this.prepare(shape, options);
    return Object.fromEntries([...plan.nodes].map(([id, {action, because}]) => [id, `${action}: ${because}`]));
  }

  /** How each node ended: `made`, `reused`, or the reason. */
  static ends(summary: RunSummary): Record<string, string> {
    const word = (end: RunSummary['ends'] extends ReadonlyMap<string, infer E> ? E : never) =>
      end.ok ? (end.value.reused ? 'reused' : 'made') : end.error.reason;
    return Object.fromEntries([...summary.ends].map(([id, end]) => [id, word(end)]));
  }

  /** Every version of a stage's code is a module of its own, since a code reader reads a module once. */
  #stage(id: string, needs: readonly string[]): AnyStage {
    const source = this.#code.get(id) ?? `export const stage = '${id}';`;
    const file = `stages/${this.#versions++}/${id}.js`;
    this.file(file, source);
    return {
      module: pathToFileURL(join(this.folder, file)).href,
      name: id,
      inputs: Object.fromEntries(needs.map((need) => [need, 'data'])),
      outputs: {out: 'data'},
      canFinishEarly: true,
      params: {rate: 1, words: 'a'},
      run: () => Promise.reject(new Error('a puppet has no run')),
    };
  }
}

const isSource = (needs: readonly string[]): boolean => needs.length === 1 && needs[0]!.includes('/');

const isStageNode = (node: WiredNode): node is StageNode => node.type === 'stage';
