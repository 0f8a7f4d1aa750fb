/** Where the completions of a stage come from: a model that is wired, or one that answers at an endpoint. */
import type {InputPorts, OutputPorts, Params, StageContext} from '../../pipeline/stage.js';
import type {Asking} from '../endpoint/answer-prompts.js';
import type {EndpointParams} from '../endpoint/params.js';
import type {Usage} from '../endpoint/served.js';
import type {Tasks} from '../tasks/task.js';
import type {Given} from './given.js';
import type {ModelSampling} from './sample-from-model.js';

export interface Draws {
  /** Prompt by prompt, in their order. */
  readonly groups: Given[][];
  readonly generatedTokens: number;
  /** Of a model that is wired; nobody knows how many one at an endpoint has. */
  readonly parameters?: number;
  /** Of a model at an endpoint. */
  readonly usage?: Usage;
}

export interface Source {
  /**
   * Completions for the first `count` rows of a `prompts` artifact, for all of them without it.
   *
   * @param request.done is told how much of it is done, of how much, and the tokens so far where they are known
   */
  draw(request: {
    readonly prompts: string;
    readonly count?: number | undefined;
    readonly key: ModelSampling['key'];
    readonly done: (step: number, total: number, tokens?: number) => void;
  }): Promise<Draws>;
  close(): void;
}

export type SourceOptions = Omit<ModelSampling, 'model' | 'key' | 'done'> &
  EndpointParams &
  Pick<Asking, 'shots' | 'system' | 'suffix' | 'stop'> & {
    /** A folder; `undefined` where `endpoint` names a model. */
    readonly model: string | undefined;
    readonly tasks: Tasks;
    /**
     * Where the answers of an endpoint are kept on the way, and when to stop. Looked at for an endpoint alone: whoever looks takes it
     * upon itself to obey a stop, and a stage that does not is ended at once.
     */
    readonly context: Pick<StageContext<InputPorts, OutputPorts, Params>, 'checkpoints' | 'signal'>;
  };

/** Opens what the params of a stage name. @throws {StageFailure} where an endpoint has no address */
export async function openSource(options: SourceOptions): Promise<Source> {
  const {model, tasks, endpointServer, context, note, ...asked} = options;
  if (model !== undefined) {
    const {sampleFromModel} = await import('./sample-from-model.js');
    return {draw: (request) => sampleFromModel({...options, ...request, model}), close: () => undefined};
  }
  const [{openAnswering}, {serverOf}, {prepareGraders}, {readPrompts}] = await Promise.all([
    import('../endpoint/answer-prompts.js'),
    import('../endpoint/server.js'),
    import('../graders/registry.js'),
    import('../data/rows.js'),
  ]);
  let report: Parameters<Source['draw']>[0]['done'] = () => undefined;
  const done = (answers: number, total: number, tokens: number): void => report(answers, total, tokens);
  const {checkpoints, signal} = context;
  const answering = await openAnswering(serverOf(endpointServer), {checkpoints, signal, note, done});
  return {
    async draw({prompts, count, key, done: told}) {
      const rows = (await readPrompts(prompts, tasks)).slice(0, count);
      await prepareGraders(rows, options);
      report = told;
      const {groups, usage} = await answering.answer(rows, {...asked, key});
      return {groups, generatedTokens: usage.completionTokens, usage};
    },
    close: () => answering.close(),
  };
}
