/** Suites by name or from a file. Those that are shipped lie in shipped/, and each is named here, so that its bytes count in fingerprints. */
import {basename} from 'node:path';
import {fileURLToPath} from 'node:url';
import {StageFailure} from '../../pipeline/stage.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import {sourceRows} from '../data/import/rows.js';
import type {Fields} from '../data/import/values.js';
import {suiteOf, type Suite} from './suite.js';

// TOML lies in the sources, as it is.
const SHIPPED: Readonly<Record<string, URL>> = {
  'aime-2024': new URL('../../../stages/suites/shipped/aime-2024.toml', import.meta.url),
  'math-500': new URL('../../../stages/suites/shipped/math-500.toml', import.meta.url),
  'gpqa-diamond': new URL('../../../stages/suites/shipped/gpqa-diamond.toml', import.meta.url),
  mmlu: new URL('../../../stages/suites/shipped/mmlu.toml', import.meta.url),
  'mmlu-redux': new URL('../../../stages/suites/shipped/mmlu-redux.toml', import.meta.url),
  'mmlu-pro': new URL('../../../stages/suites/shipped/mmlu-pro.toml', import.meta.url),
  drop: new URL('../../../stages/suites/shipped/drop.toml', import.meta.url),
  humaneval: new URL('../../../stages/suites/shipped/humaneval.toml', import.meta.url),
  simpleqa: new URL('../../../stages/suites/shipped/simpleqa.toml', import.meta.url),
  'c-simpleqa': new URL('../../../stages/suites/shipped/c-simpleqa.toml', import.meta.url),
  frames: new URL('../../../stages/suites/shipped/frames.toml', import.meta.url),
  'c-eval': new URL('../../../stages/suites/shipped/c-eval.toml', import.meta.url),
  cluewsc: new URL('../../../stages/suites/shipped/cluewsc.toml', import.meta.url),
  'if-eval': new URL('../../../stages/suites/shipped/if-eval.toml', import.meta.url),
  'live-code-bench': new URL('../../../stages/suites/shipped/live-code-bench.toml', import.meta.url),
  codeforces: new URL('../../../stages/suites/shipped/codeforces.toml', import.meta.url),
  'alpaca-eval-2': new URL('../../../stages/suites/shipped/alpaca-eval-2.toml', import.meta.url),
  'arena-hard': new URL('../../../stages/suites/shipped/arena-hard.toml', import.meta.url),
};

/** Names of the suites that are shipped. */
export const SUITES: readonly string[] = Object.keys(SHIPPED);

/** @throws {StageFailure} where there is none of that name, with the nearest one */
export async function shippedSuite(name: string): Promise<Suite> {
  const file = SHIPPED[name];
  if (file === undefined)
    throw new StageFailure(`there is no suite “${name}”${suggestion(name, SUITES)}; there are ${SUITES.join(', ')}`);
  return readSuite(fileURLToPath(file), basename(file.pathname));
}

/**
 * A suite from a file: TOML, or JSON.
 *
 * @param name by which messages call it
 * @throws {StageFailure} naming field and fault
 */
export async function readSuite(path: string, name: string): Promise<Suite> {
  const rows: Fields[] = [];
  for await (const {fields} of sourceRows(path, name)) {
    rows.push(fields);
    if (rows.length > 1) throw new StageFailure(`${name} is no suite: it holds several records, a suite is one`);
  }
  return suiteOf(rows[0] ?? {}, name);
}
