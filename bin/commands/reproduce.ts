/** `r1 reproduce`: makes attempts again in a scratch folder and says whether the bytes are the same. */
import {Command} from 'commander';
import {resolve} from '../../artifacts/queries/reference.js';
import type {Attempt, RunId, Store} from '../../artifacts/index.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {Failure} from '../../pipeline/outcome.js';
import {endAbandoned} from '../../pipeline/run/end-orphans.js';
import {reproduce} from '../../pipeline/run/reproduce.js';
import type {Verdict} from '../../pipeline/run/reproduce.js';
import type {Result} from '../../pipeline/result.js';
import {GRACE, stopSwitch} from '../../pipeline/run/stop.js';
import {runtimeOf} from '../execution/runtime-of.js';
import {EXIT} from '../exit-codes.js';
import {lazyExecutor} from '../execution/executor.js';
import {withGlobals} from '../options/global-options.js';
import {outcomeText} from '../render/outcome.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {onStopSignal} from '../terminal/stop-signals.js';
import {placeOf, withTrust} from '../options/run-options.js';
import type {TrustOptions} from '../options/run-options.js';
import {withStore} from '../access/with-store.js';

export const reproduceCommand = (services: Services): Command =>
  withGlobals(withTrust(new Command('reproduce')), [
    'r1 reproduce full-sft',
    'r1 reproduce @3fa4b1c2',
    'r1 reproduce 12 --store ./sent-to-me --recipe ./my.recipe.ts',
  ])
    .description('make attempts again from their recorded inputs, params and seed, and compare the bytes')
    .argument('<reference>', '[run/]node, @digest, or the number of a run for everything it made')
    .action(async (reference: string, options: GlobalOptions & TrustOptions) => {
      const place = placeOf(options);
      const stop = stopSwitch();
      const stopped = (): boolean => stop.asked.aborted;
      const press = () => {
        const how = stop.press();
        if (how === 'checkpoint')
          services.complain('stopping: the stage is asked to end; press Ctrl-C again to end it at once');
        else if (how === 'kill') services.complain('ending the stage at once');
      };
      const warn = (text: string) => services.complain(text);
      const executor = lazyExecutor();
      const stopListening = onStopSignal(press);
      try {
        await withStore(services, options, 'write', async (store) => {
          await endAbandoned(store.abandonedScratch(), {executor, warn});
          let same = true;
          for (const attempt of await attemptsOf(store, reference)) {
            if (stopped()) break;
            services.progress(`${attempt.node}  made again …`);
            const result = await reproduce(attempt, {
              store,
              executor,
              runtimeOf,
              stop,
              place,
              grace: GRACE.reproduce,
              warn,
            });
            services.progress(undefined);
            if (stopped() && !result.ok) break;
            same &&= result.ok && result.value.verdict === 'reproducible';
            services.say(
              options.json === true ? JSON.stringify(resultJson(attempt, result)) : resultText(attempt, result),
            );
          }
          if (stopped()) services.exit(EXIT.stopped);
          else if (!same) services.exit(1);
        });
      } finally {
        executor.close?.();
        stopListening();
      }
    });

async function attemptsOf(store: Store, reference: string): Promise<Attempt[]> {
  const run = /^\d+$/.test(reference) ? store.run(Number(reference) as RunId) : undefined;
  if (run === undefined) return [(await resolve(store, reference, {suggest: suggestion})).attempt];
  return store
    .nodesOf(run.id)
    .flatMap(({attempt}) => (attempt === undefined ? [] : [store.attempt(attempt)!]))
    .filter(({stage, outcome}) => stage !== 'source' && outcome?.ok === true);
}

function resultJson({id, node, run}: Attempt, result: Result<Verdict, Failure>): unknown {
  return {node, run, attempt: id, ...(result.ok ? result.value : {verdict: 'failed', outcome: result.error})};
}

function resultText({id, node}: Attempt, result: Result<Verdict, Failure>): string {
  const what = `${node} (attempt ${id})`;
  if (!result.ok) return `${what}: ended otherwise this time: ${outcomeText(result.error)}`;
  const {value} = result;
  if (value.verdict === 'reproducible') return `${what}: reproducible, the same bytes again`;
  if (value.verdict === 'cannot') return `${what}: cannot be made again: ${value.because}`;
  const {port, file, offset, executable, tensor} = value;
  const where = `output “${port}”${file === '' ? '' : `, ${file}`}`;
  if (executable !== undefined)
    return `${what}: differs in ${where}, which ${executable ? 'was not executable and is now' : 'was executable and is not now'}; the bytes are the same`;
  const at = offset === undefined ? ', which only one of them has' : `, from byte ${offset} on`;
  const weights =
    tensor === undefined
      ? ''
      : `; tensor ${tensor.name}: ${tensor.values} values, by up to ${tensor.largest ?? 'a value that is not a number'}`;
  return `${what}: differs in ${where}${at}${weights}`;
}
