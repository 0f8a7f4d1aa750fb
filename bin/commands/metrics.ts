/** `r1 metrics`: the curves of a node, as numbers or as a small chart. */
import {Command, Option} from 'commander';
import type {MetricPoint} from '../../artifacts/index.js';
import {UserError} from '../../artifacts/index.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {withStore} from '../access/with-store.js';

interface MetricsOptions extends GlobalOptions {
  readonly name?: readonly string[];
  readonly csv?: boolean;
}

/** JSON has no NaN and no infinities; they are written as these strings. */
const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

/** RFC 4180. */
const csvField = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function byName(points: readonly MetricPoint[]): ReadonlyMap<string, readonly MetricPoint[]> {
  const curves = new Map<string, MetricPoint[]>();
  for (const point of points) {
    const curve = curves.get(point.name);
    if (curve === undefined) curves.set(point.name, [point]);
    else curve.push(point);
  }
  return curves;
}

export const metricsCommand = (services: Services): Command =>
  withGlobals(new Command('metrics'), [
    'r1 metrics zero-rl',
    'r1 metrics zero-rl --name accuracy --name length',
    'r1 metrics 3/zero-rl --csv > zero.csv',
  ])
    .description('the curves of a node: loss, reward, length … over the steps')
    .argument('<node>', '[run/]node; without a number, in the newest run')
    .option(
      '--name <metric>',
      'only this metric, as a chart (repeats)',
      (name: string, before: readonly string[] | undefined) => [...(before ?? []), name],
    )
    .addOption(new Option('--csv', 'print name,step,value').conflicts('json'))
    .action(async (reference: string, {name: names, csv, json, ...options}: MetricsOptions) => {
      const {resolve} = await import('../../artifacts/queries/reference.js');
      await withStore(services, options, 'read', async (store) => {
        const {attempt} = await resolve(store, reference, {suggest: suggestion, unfinished: true});
        const all = store.metrics(attempt.id, {throughCheckpoints: true});
        const known = [...byName(all).keys()];
        for (const name of names ?? []) {
          if (known.includes(name)) continue;
          throw new UserError('not-found', `${attempt.node} has no metric “${name}”${suggestion(name, known)}`, {
            hint: known.length === 0 ? 'it has none at all' : `metrics: ${known.join(', ')}`,
          });
        }
        const points = names === undefined ? all : all.filter(({name}) => names.includes(name));
        if (json === true) {
          services.say(JSON.stringify(points.map(({name, step, value}) => ({name, step, value: jsonNumber(value)}))));
        } else if (csv === true) {
          services.say(
            ['name,step,value', ...points.map(({name, step, value}) => `${csvField(name)},${step},${value}`)].join(
              '\n',
            ),
          );
        } else {
          const {curvesText} = await import('../render/curves.js');
          services.say(
            curvesText(byName(points), {
              title: `${attempt.node}, attempt ${attempt.id}, run ${attempt.run}`,
              charts: names !== undefined,
              width: services.width,
            }),
          );
        }
      });
    });
