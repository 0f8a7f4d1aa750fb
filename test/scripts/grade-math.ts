/**
 * How well mathematics is graded: our own pairs by kind, and Math-Verify's own test pairs where its sources are at hand.
 *
 *     node dist/test/scripts/grade-math.js PYTHON [SDIST]
 */
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {openMathGrader} from '../../stages/graders/math/math-grader.js';
import {readCompletion} from '../../stages/text/completion.js';
import {root} from '../docs/documents.js';

interface Pair {
  readonly kind: string;
  readonly reference: string;
  readonly given: string;
  readonly right: boolean;
}

/** Reads the rows of `pytest.mark.parametrize` without pytest. */
const COLLECT = `
import glob, json, os, sys, types
os.chdir(sys.argv[1]); sys.path.insert(0, sys.argv[1])
open('tests/__init__.py', 'a').close()
rows = []
class Mark:
    def __getattr__(self, name):
        def mark(names, values=(), **_):
            names = [one.strip() for one in names.split(',')]
            def keep(test):
                rows.extend((test.__name__, dict(zip(names, row))) for row in values)
                return test
            return keep
        return mark
sys.modules['pytest'] = types.SimpleNamespace(mark=Mark(), fixture=lambda *a, **k: (lambda f: f))
for file in sorted(glob.glob('tests/test_*.py')):
    if 'timeout' not in file: __import__('tests.' + os.path.basename(file)[:-3])
print(json.dumps([{'kind': kind, 'reference': row['gold'], 'given': row['pred'], 'right': bool(row.get('expected', row.get('result')))}
                  for kind, row in rows if 'gold' in row and 'pred' in row]))`;

const [python, sdist] = process.argv.slice(2);
if (python === undefined) throw new Error('usage: node dist/test/scripts/grade-math.js PYTHON [SDIST]');

const own = readFileSync(path.join(root, 'test/fixtures/math/pairs.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Pair);
const theirs =
  sdist === undefined
    ? []
    : (JSON.parse(execFileSync(python, ['-c', COLLECT, path.resolve(sdist)], {encoding: 'utf8'})) as Pair[]);

const grader = await openMathGrader({python, processes: os.availableParallelism()});
for (const [name, pairs] of [['own pairs', own] as const, ['Math-Verify’s test pairs', theirs] as const]) {
  const said = await grader
    .grade(
      pairs.map(({reference, given}) => ({
        prompt: {id: 'p', from: [], task: 'math', key: 'p', question: ''},
        completion: readCompletion(given, true),
        given,
        reference,
      })),
    )
    .catch((error: unknown) => {
      throw new Error(`${name}: ${(error as Error).message}`);
    });
  const kinds = new Map<string, {accepted: number; wrong: number; refused: number; right: number}>();
  pairs.forEach(({kind, right}, index) => {
    const count = kinds.get(kind) ?? {accepted: 0, wrong: 0, refused: 0, right: 0};
    const isAccepted = said[index]!.outcome === 'right';
    count[right ? 'right' : 'wrong']++;
    if (isAccepted !== right) count[right ? 'refused' : 'accepted']++;
    kinds.set(kind, count);
  });
  console.log(name);
  console.table(Object.fromEntries(kinds));
  const all = [...kinds.values()];
  const sum = (of: (count: (typeof all)[number]) => number): number => all.reduce((total, one) => total + of(one), 0);
  console.log(
    `${sum((one) => one.accepted)} of ${sum((one) => one.wrong)} wrong answers accepted, ` +
      `${sum((one) => one.refused)} of ${sum((one) => one.right)} right answers refused`,
  );
}
await grader.close();
