/** Recipes, stages, rewards and tasks that the documents show compile, run, and say what is printed beside them. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import ts from 'typescript';
import {r1} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';
import {paperOf, papers, root} from './documents.js';
import type {Paper} from './markdown.js';

const readme = paperOf('README.md');

/** Blocks that show some lines of a module that another document shows whole, by the first line. */
const EXCERPT = /^\/\/ from (\S+\.ts)$/;

/** Modules that the documents show, by the name in their first line. */
const shownModules = new Map(
  [...papers].flatMap(([name, paper]) =>
    paper.fences
      .filter(({language, lines}) => language === 'ts' && !EXCERPT.test(lines[0]!))
      .map(({lines, line}) => {
        const [, file] = /^\/\/ (\S+\.ts)$/.exec(lines[0]!) ?? [];
        assert.ok(file !== undefined, `${name}:${line} does not begin with the name of the module`);
        return [file, lines.join('\n')] as const;
      }),
  ),
);

test('recipes and stages of the documents compile against the package’s own front doors', () => {
  const blocks = new Map([...shownModules].map(([file, text]) => [path.join(root, file), text] as const));
  assert.ok(blocks.size >= 4);
  const options: ts.CompilerOptions = {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: ['node'],
    skipLibCheck: true,
    noEmit: true,
  };
  const complaints = (extra: ReadonlyMap<string, string>): string[] => {
    const files = new Map([...blocks, ...extra]);
    const host = ts.createCompilerHost(options);
    const {fileExists, readFile, getSourceFile} = host;
    host.fileExists = (file) => files.has(path.normalize(file)) || fileExists(file);
    host.readFile = (file) => files.get(path.normalize(file)) ?? readFile(file);
    host.getSourceFile = (file, version, ...rest) => {
      const text = files.get(path.normalize(file));
      return text === undefined ? getSourceFile(file, version, ...rest) : ts.createSourceFile(file, text, version);
    };
    const program = ts.createProgram([...files.keys()], options, host);
    return ts.getPreEmitDiagnostics(program).map(({messageText}) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  };
  assert.deepEqual(complaints(new Map()), []);
  const mine = blocks.get(path.join(root, 'mine.recipe.ts'))!;
  for (const wrong of [mine.replace('steps:', 'stepz:'), mine.replace('base.model', 'asked.train')])
    assert.equal(complaints(new Map([[path.join(root, 'wrong.recipe.ts'), wrong]])).length, 1);
});

test('recipes of the documents run as the README shows', async (t) => {
  const question = '{"question": "1 + 1 ?", "answer": "2"}\n';
  const files = Object.fromEntries(shownModules);
  const cwd = temporaryFolder(t, {...files, 'questions.jsonl': question, 'checkpoint/config.json': '{}'});
  const planned = await r1(t, ['plan', './mine.recipe.ts', '--json'], {cwd});
  assert.equal(planned.code, 0, planned.err);
  assert.equal((JSON.parse(planned.out) as {nodes: unknown[]}).nodes.length, 7);

  const checkpoint = {'SmolLM2-360M-Instruct/config.json': '{}'};
  const other = temporaryFolder(t, {...files, ...checkpoint});
  const graph = await r1(t, ['plan', './fares.recipe.ts', '--json'], {cwd: other});
  assert.equal(graph.code, 0, graph.err);
  const {nodes} = JSON.parse(graph.out) as {nodes: {node: string}[]};
  assert.ok(['checkpoint', 'zero-rl', 'student-rl', 'report'].every((id) => nodes.some(({node}) => node === id)));

  await saysWhatIsShown(t, fenceOf(readme, '$ r1 run ./brief.recipe.ts'), cwd);
});

/** The block of a document that begins with a line. */
function fenceOf({fences}: Paper, first: string): readonly string[] {
  const fence = fences.find(({lines}) => lines[0] === first);
  assert.ok(fence !== undefined, `no block begins with “${first}”`);
  return fence.lines;
}

/** Types the commands of a block, and looks for the other lines in what is said, but for what was measured. */
async function saysWhatIsShown(
  t: TestContext,
  shown: readonly string[],
  cwd: string,
  more: readonly string[] = [],
): Promise<void> {
  const measured = (text: string) => text.replaceAll(/(\d+ min )?\d+(\.\d+)? (s|ms|[kMG]?B)\b/g, '…');
  let said: string[] = [];
  for (const line of shown) {
    const typed = /^\$ r1 (.*)$/.exec(line)?.[1];
    if (typed !== undefined) {
      const {out, err} = await r1(t, [...typed.split(' '), ...more], {cwd});
      said = measured((out + err).replaceAll(`${cwd}/`, '')).split('\n');
    } else assert.ok(said.includes(measured(line)), `“${line}” is said; it was\n${said.join('\n')}`);
  }
}

test('a reward and a task of one’s own are wired, recorded and mistaken as stages/tasks/README.md shows', async (t) => {
  const modules = ['sorting.ts', 'placed.ts', 'sorting.recipe.ts'].map(
    (file) => [file, shownModules.get(file)!] as const,
  );
  const [, placed, main] = modules.map(([, text]) => text) as [string, string, string];
  const cwd = temporaryFolder(t, {
    ...Object.fromEntries(modules),
    'plased.recipe.ts': main.replace('placed: 0.5', 'plased: 0.5'),
  });
  // As little of everything as there can be: what it learns is in the page's table.
  const small =
    'corpus.count=200 prompts.train=20 base.gate=0 base.steps=5 base.hiddenSize=16 base.intermediateSize=32 zero.steps=2 ' +
    'zero.questions=2 zero.group=4 base-scores.samples=1 zero-scores.samples=1';
  const sets = small.split(' ').flatMap((set) => ['--set', set]);
  const run = await r1(t, ['run', './sorting.recipe.ts', ...sets], {cwd});
  assert.equal(run.code, 0, run.out + run.err);

  assert.equal((await r1(t, ['export', 'zero:rollouts', './rollouts'], {cwd})).code, 0);
  const rows = readFileSync(path.join(cwd, 'rollouts/rows.jsonl'), 'utf8').trimEnd().split('\n');
  for (const row of rows.map((line) => JSON.parse(line) as RolloutRow)) {
    const {accuracy, placed} = row.verdicts;
    assert.equal(row.reward, accuracy.value + 0.5 * placed.value);
  }
  const page = paperOf('stages/tasks/README.md');
  writeFileSync(path.join(cwd, 'placed.ts'), placed.replace('Math.max(', 'Math.max(1, '));
  await saysWhatIsShown(t, fenceOf(page, '$ r1 plan ./sorting.recipe.ts'), cwd, sets);
  await saysWhatIsShown(t, fenceOf(page, '$ r1 plan ./plased.recipe.ts'), cwd);
});

interface RolloutRow {
  readonly reward: number;
  readonly verdicts: {readonly accuracy: {readonly value: number}; readonly placed: {readonly value: number}};
}

test('excerpts are lines of the module that they are from', () => {
  const excerpts = [...papers].flatMap(([name, {fences}]) =>
    fences
      .filter(({lines}) => EXCERPT.test(lines[0]!))
      .map(({lines: [first, ...lines]}) => ({name, lines, file: EXCERPT.exec(first!)![1]!})),
  );
  assert.ok(excerpts.length > 0);
  for (const {name, lines, file} of excerpts) {
    const whole =
      shownModules
        .get(file)
        ?.split('\n')
        .map((line) => line.trim()) ?? [];
    assert.deepEqual(
      lines.filter((line) => !whole.includes(line)),
      [],
      `${name} shows what is not in ${file}`,
    );
  }
});

test('one stage starts in a debugger as stages/README.md shows', async (t) => {
  const {brief, shortest} = {brief: shownModules.get('brief.recipe.ts')!, shortest: shownModules.get('shortest.ts')!};
  const cwd = temporaryFolder(t, {'brief.recipe.ts': brief, 'shortest.ts': shortest});
  assert.equal((await r1(t, ['run', './brief.recipe.ts'], {cwd})).code, 0);
  const shown = paperOf('stages/README.md')
    .fences.find(({lines}) => lines[0] === 'mkdir debug')!
    .lines.join('\n');
  // Its debugger would wait for somebody, and here the attempt to look at is the second.
  const script = shown.replace('--inspect-brk ', '').replaceAll('jobs/3/', 'jobs/2/').replaceAll('dist/', '$DIST/');
  const clone = path.join(root, 'dist');
  execFileSync('sh', ['-euc', `r1() { "$NODE" "$DIST/bin/start.cjs" "$@"; }\n${script}`], {
    cwd,
    env: {...process.env, NODE: process.execPath, DIST: clone},
    stdio: 'pipe',
  });
  const rows = readFileSync(path.join(cwd, 'debug/outputs/data/rows.jsonl'), 'utf8').trimEnd().split('\n');
  assert.equal(rows.length, 200);
});
