/** The paper's tables, held against the numbers that stand beside benchmarks, which were copied from the paper apart from them. */
import assert from 'node:assert/strict';
import test from 'node:test';

import {PAPER_TABLES} from '../../../stages/evaluation/report/paper-tables.js';
import {shippedSuite, SUITES} from '../../../stages/suites/index.js';

/** What a benchmark is called in the tables, by the name of its suite and, where it has several measures, the measure. */
const COLUMNS: Readonly<Record<string, string>> = {
  'aime-2024 pass@1': 'AIME 2024, pass@1',
  'aime-2024 cons@64': 'AIME 2024, cons@64',
  'math-500 pass@1': 'MATH-500',
  'gpqa-diamond pass@1': 'GPQA Diamond',
  'live-code-bench pass@1': 'LiveCodeBench',
  'mmlu pass@1': 'MMLU',
  'mmlu-redux pass@1': 'MMLU-Redux',
  'mmlu-pro pass@1': 'MMLU-Pro',
  'if-eval pass@1': 'IF-Eval, prompt strict',
  'simpleqa pass@1': 'SimpleQA',
  'frames pass@1': 'FRAMES',
  'c-eval pass@1': 'C-Eval',
  'c-simpleqa pass@1': 'C-SimpleQA',
  'cluewsc pass@1': 'CLUEWSC',
};

/** All numbers of a model on a benchmark, of whichever table. */
function printed(model: string, benchmark: string): number[] {
  return PAPER_TABLES.flatMap(({of, columns, rows}) =>
    rows.flatMap(([name, values]) =>
      values.flatMap((value, index) => {
        const [its, on] = of === 'model' ? [name, columns[index]!] : [columns[index]!, name];
        return value !== null && its === model && on === benchmark ? [value] : [];
      }),
    ),
  );
}

test('each row has a number or nothing for each column', () => {
  for (const {title, columns, rows} of PAPER_TABLES) {
    assert.equal(new Set(rows.map(([name]) => name)).size, rows.length, title);
    for (const [name, values] of rows) assert.equal(values.length, columns.length, `${title}: ${name}`);
  }
});

test('the paper says of a model on a benchmark what stands beside that benchmark', async () => {
  let compared = 0;
  for (const suite of SUITES) {
    const {paper} = await shippedSuite(suite);
    for (const {model, metric = 'pass@1', value} of paper?.rows ?? []) {
      const column = COLUMNS[`${suite} ${metric}`];
      if (column === undefined) continue;
      const found = printed(model.replace('DeepSeek-R1-Zero', 'R1-Zero'), column);
      if (found.length === 0) continue;
      assert.ok(found.includes(value), `${model} on ${column}: ${value}, and the tables have ${found.join(', ')}`);
      compared += 1;
    }
  }
  assert.ok(compared >= 40, `${compared} numbers were found on both sides`);
});
