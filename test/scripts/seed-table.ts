/**
 * Prints the two tables of seeds of stages/recipes/README.md from runs of `tiny-controls`:
 *
 *     for n in 0 1 2 3 4; do npx r1 run tiny-controls --seed $n; done
 *     node dist/test/scripts/seed-table.js 1 2 3 4 5
 *
 * The words are numbers of runs, in the order of the columns; the store is `.r1` or `R1_STORE`.
 */
import {execFileSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';

interface Range {
  readonly low: number;
  readonly high: number;
}

interface ClaimRow extends Range {
  readonly claim: string;
  readonly value: number;
  readonly verdict: 'holds' | 'not significant' | 'fails' | 'not judged';
}

interface ScoreRow extends Range {
  readonly node: string;
  readonly metric: string;
  readonly mean: number;
}

const CLAIMS: readonly (readonly [claim: string, what: string, target: string])[] = [
  ['zero-accuracy', 'pass@1, R1-Zero − base', '> 0.15'],
  ['zero-length', 'length, R1-Zero / base', '> 1.3'],
  ['zero-mixes-languages', 'language consistency, R1-Zero', '< 0.90'],
  ['zero-reflects', 'share with a second thought, R1-Zero − base', '> 0'],
  ['language-reward', 'language consistency, reasoning RL', '> 0.90'],
  ['cold-start-format', 'format rate, cold start − base', '> 0.15'],
  ['reasoning-format', 'format rate, reasoning RL', '> 0.90'],
  ['reasoning-accuracy', 'pass@1, reasoning RL − cold start', '> 0.02'],
  ['r1-accuracy', 'pass@1, R1 − base', '> 0.15'],
  ['r1-no-loss', 'pass@1, R1 − full-sft', '> −0.02'],
  ['helpful', 'helpful, R1 − full-sft', '> 0'],
  ['safe', 'safe, R1 − full-sft', '> 0'],
  ['distillation', 'pass@1, distilled student − RL student', '> 0.15'],
  ['control-shuffled-rewards', 'control: pass@1, Zero on shuffled rewards − base', '< 0.05'],
  ['control-format-only', 'control: pass@1, R1-Zero − Zero on format alone', '> 0'],
  ['control-forced-thinking', 'control: pass@1, R1-Zero − base made to think', '> 0'],
  ['control-length-held', 'control: length, Zero within base’s mean length / base', '< 1.05'],
  ['control-length-is-why', 'control: pass@1, R1-Zero − Zero within base’s mean length', '> 0.15'],
  ['control-length-no-gain', 'control: pass@1, Zero within base’s mean length − base', '< 0.05'],
  ['ablation-language-consistency', 'language consistency, reasoning RL − without the language reward', '> 0'],
  ['ablation-language-cost', 'pass@1, reasoning RL − without the language reward', '> −0.02'],
  ['ablation-zero-language-consistency', 'language consistency, Zero with the language reward − R1-Zero', '> 0.10'],
  ['ablation-zero-language-cost', 'pass@1, Zero with the language reward − R1-Zero', '> −0.02'],
];

const MODELS = [
  'base',
  'zero-rl',
  'cold-start-sft',
  'reasoning-rl',
  'full-sft',
  'all-scenario-rl',
  'distill-small',
  'distill-medium',
  'student-rl',
  'base-forced-think',
  'zero-shuffled',
  'zero-format-only',
  'zero-base-length',
  'zero-language',
  'reasoning-no-language',
];

const MARKS = {holds: '', 'not significant': ' n.s.', fails: ' **fails**', 'not judged': ' (not judged)'} as const;

const COMMAND = fileURLToPath(new URL('../../bin/start.cjs', import.meta.url));

function ask(command: 'claims' | 'scores', run: string): unknown {
  const words = [COMMAND, command, '--run', run, '--json'];
  return JSON.parse(execFileSync(process.execPath, words, {encoding: 'utf8', maxBuffer: 1 << 26}));
}

/** Two digits, no zero before the point, a real minus. */
const numberText = (value: number): string =>
  value
    .toFixed(2)
    .replace(/^(-?)0\./, '$1.')
    .replace('-', '−');

const cell = (value: number, {low, high}: Range): string =>
  `${numberText(value)} [${numberText(low)}, ${numberText(high)}]`;

function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`.replace(/^\|  \|/, '| |');
  const lines = [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)];
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

function found<Row>(row: Row | undefined, what: string, run: string): Row {
  if (row === undefined) throw new Error(`run ${run} has no ${what}; were all of them runs of one recipe?`);
  return row;
}

function main(runs: readonly string[]): void {
  if (runs.length === 0) throw new Error('name the runs, as in: node dist/test/scripts/seed-table.js 1 2 3');
  const seeds = runs.map((run) => `seed ${seedOf(run)}`);
  const claims = runs.map((run) => ask('claims', run) as readonly ClaimRow[]);
  print(
    ['', 'target', ...seeds],
    // Of runs of `tiny` alone, what only the controls have is left out.
    CLAIMS.filter(([claim]) => claims.some((rows) => rows.some((one) => one.claim === claim))).map(
      ([claim, what, target]) => [
        what,
        target,
        ...claims.map((rows, i) => {
          const row = found(
            rows.find((one) => one.claim === claim),
            claim,
            runs[i]!,
          );
          return `${cell(row.value, row)}${MARKS[row.verdict]}`;
        }),
      ],
    ),
  );
  const scores = runs.map((run) => ask('scores', run) as readonly ScoreRow[]);
  print(
    ['pass@1', ...seeds],
    MODELS.filter((node) => scores.some((rows) => rows.some((one) => one.node === node))).map((node) => [
      `\`${node}\``,
      ...scores.map((rows, i) => {
        const row = found(
          rows.find((one) => one.node === node && one.metric === 'pass@1'),
          node,
          runs[i]!,
        );
        return cell(row.mean, row);
      }),
    ]),
  );
}

function seedOf(run: string): number {
  const said = execFileSync(process.execPath, [COMMAND, 'runs', '--limit', '0', '--json'], {encoding: 'utf8'});
  const all = JSON.parse(said) as readonly {readonly run: number; readonly seed: number}[];
  return found(
    all.find((one) => one.run === Number(run)),
    'record',
    run,
  ).seed;
}

main(process.argv.slice(2));
