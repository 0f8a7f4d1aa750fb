/** Runs a stage in the test's own process, for stages that compute no tensors; those need a process of their own. */
import {mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {TestContext} from 'node:test';
import type {DefinitionRef} from '../../pipeline/definition.js';
import type {AnyStage, InputPorts, OutputPorts, Params, StageContext} from '../../pipeline/stage.js';
import {temporaryFolder} from '../rig/temporary.js';

export interface RanHere {
  /** Path of an output. */
  out(port: string): string;
  readonly notes: readonly string[];
}

export async function runHere(
  t: TestContext,
  stage: AnyStage,
  {
    inputs = {},
    params = {},
    seed = 0,
    definitions = {},
  }: {
    readonly inputs?: Readonly<Record<string, string>>;
    readonly params?: Params;
    readonly seed?: number;
    readonly definitions?: Readonly<Record<string, readonly DefinitionRef[]>>;
  } = {},
): Promise<RanHere> {
  const folder = temporaryFolder(t);
  const out = (port: string): string => join(folder, 'outputs', port);
  const notes: string[] = [];
  mkdirSync(join(folder, 'outputs'));
  mkdirSync(join(folder, 'scratch'));
  const unwired = Object.entries(stage.inputs).flatMap(([port, declared]) =>
    typeof declared === 'object' && 'many' in declared ? [[port, {}] as const] : [],
  );
  const context: StageContext<InputPorts, OutputPorts, Params> = {
    inputs: {...Object.fromEntries(unwired), ...inputs},
    outputs: Object.fromEntries(Object.keys(stage.outputs).map((port) => [port, out(port)])),
    params: {...stage.params, ...params},
    definitions: Object.fromEntries(
      Object.keys(stage.definitions ?? {}).map((option) => [option, definitions[option] ?? []]),
    ),
    seed,
    threads: 1,
    cores: 1,
    checkpoints: {
      latest: undefined,
      due: () => false,
      isStopAsked: () => false,
      save: () => Promise.reject(new Error('no checkpoint is due')),
    },
    signal: new AbortController().signal,
    scratch: join(folder, 'scratch'),
    finishEarly: () => false,
    progress: () => undefined,
    metric: () => undefined,
    note: (text) => void notes.push(text),
  };
  await stage.run(context as never);
  return {out, notes};
}

/** The rows of an artifact, unchecked. */
export const rowsIn = <T = Readonly<Record<string, unknown>>>(folder: string): T[] =>
  readFileSync(join(folder, 'rows.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

export const cardIn = (folder: string): Readonly<Record<string, unknown>> =>
  JSON.parse(readFileSync(join(folder, 'card.json'), 'utf8')) as Readonly<Record<string, unknown>>;
