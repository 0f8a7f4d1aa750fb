/**
 * The documents (every README of the tree, ARCHITECTURE.md and CHANGELOG.md), held against the project: commands parse,
 * params are as the pages say, and pages stay short. That what they name exists: docs/named-things.test.ts; that the code which
 * they show compiles and runs: docs/modules.test.ts.
 */
import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {applySet, applySource} from '../pipeline/wiring/overrides.js';
import type {Result} from '../pipeline/result.js';
import {openStandIns} from '../pipeline/wiring/stand-ins.js';
import {wire} from '../pipeline/wiring/wire.js';
import {standIns} from '../bin/execution/stand-ins.js';
import tiny from '../stages/recipes/tiny.js';
import {filesIn, manifest, paperOf, papers, root} from './docs/documents.js';
import {inlineCodeOf, tableRowsOf} from './docs/markdown.js';
import type {Paper} from './docs/markdown.js';
import {allCommands, parse} from './docs/program.js';
import type {Parsed} from './docs/program.js';
import {commandsOf} from './docs/shell.js';
import type {TypedCommand} from './docs/shell.js';
import {r1} from './rig/command.js';
import {temporaryFolder} from './rig/temporary.js';

const readme = paperOf('README.md');

/** Lines that a document may have. The changelog grows. */
const mostLines = (name: string): number =>
  ({'README.md': 250, 'ARCHITECTURE.md': 120, 'CHANGELOG.md': Infinity})[name] ?? 200;

/** Every command that a paper tells to type, with where it stands. */
function typedIn([name, paper]: readonly [string, Paper]): {readonly where: string; readonly command: TypedCommand}[] {
  return paper.fences.flatMap(({language, lines, line}) =>
    lines.flatMap((text, index) => {
      const typed = language === 'sh' ? text : /^\$ (.*)$/.exec(text)?.[1];
      return typed === undefined
        ? []
        : commandsOf(typed).map((command) => ({where: `${name}:${line + index}: ${text}`, command}));
    }),
  );
}

/** Words behind `r1`, for commands that start it. */
function behindR1({words}: TypedCommand): readonly string[] | undefined {
  if (words[0] === 'r1') return words.slice(1);
  return words[0] === 'npx' && words[1] === 'r1' ? words.slice(2) : undefined;
}

const wired = wire(tiny, root);
assert.ok(wired.ok);
const recipe = wired.value;

test('a command line is taken apart as a shell takes it apart', () => {
  const words = (line: string) => commandsOf(line).map((command) => command.words);
  assert.deepEqual(words('r1 chat zero-rl "left 3 , now ?" --seed 7  # a comment'), [
    ['r1', 'chat', 'zero-rl', 'left 3 , now ?', '--seed', '7'],
  ]);
  assert.deepEqual(words('r1 lineage base --dot | dot -Tsvg > base.svg'), [
    ['r1', 'lineage', 'base', '--dot'],
    ['dot', '-Tsvg'],
  ]);
  assert.deepEqual(words('r1 trace a#b && r1 runs; r1 gc --keep-runs="2"'), [
    ['r1', 'trace', 'a#b'],
    ['r1', 'runs'],
    ['r1', 'gc', '--keep-runs=2'],
  ]);
  assert.deepEqual(commandsOf('R1_KILLS=5 node x.js'), [{words: ['node', 'x.js'], environment: ['R1_KILLS=5']}]);
  assert.deepEqual(commandsOf('# nothing'), []);
  assert.throws(() => commandsOf('r1 chat "left'), /cannot be read/);
});

test('no document is longer than a person reads', () => {
  assert.ok(papers.size >= 10, 'the pages of the rooms were found');
  const long = [...papers].flatMap(([name, {text}]) => {
    const lines = text.trimEnd().split('\n').length;
    return lines > mostLines(name) ? [`${name} has ${lines} lines, at most ${mostLines(name)}`] : [];
  });
  assert.deepEqual(long, []);
});

test('every command is told of in the README, and nothing else is called one', async () => {
  const names = (await allCommands()).map((command) => command.name()).sort();
  assert.ok(names.length > 20, 'the commands were found');
  const named = inlineCodeOf(readme).flatMap((code) => /^r1 ([a-z-]+)/.exec(code)?.[1] ?? []);
  assert.deepEqual(
    names.filter((name) => !named.includes(name)),
    [],
  );
  const strangers = [...papers.values()]
    .flatMap(inlineCodeOf)
    .flatMap((code) => /^r1 ([a-z][a-z-]+)/.exec(code)?.[1] ?? [])
    .filter((name) => !names.includes(name));
  assert.deepEqual(strangers, []);
});

test('the command line offers every command, and each explains itself with examples that parse', async (t) => {
  const {out} = await r1(t, ['--help'], {cwd: temporaryFolder(t)});
  for (const command of await allCommands()) {
    const name = command.name();
    assert.match(out, new RegExp(`^  ${name}\\b`, 'm'), `r1 --help lists ${name}`);
    let help = '';
    command.configureOutput({writeOut: (text) => (help += text)}).outputHelp();
    const examples = [...help.matchAll(/^ +(?:\$ )?(r1 .*)$/gm)].map((match) => match[1]!);
    assert.ok(examples.length > 0, `r1 ${name} --help has an example`);
    const shown: string[] = [];
    for (const typed of examples.flatMap(commandsOf)) {
      const words = behindR1(typed);
      if (words !== undefined) shown.push((await parse(words)).command);
    }
    assert.ok(shown.includes(name), `an example in r1 ${name} --help is of ${name}`);
    for (const {long, description} of command.options) {
      assert.notEqual(description, '', `r1 ${name} ${long ?? ''} is described`);
      assert.ok(help.includes(long ?? ''), `r1 ${name} --help has ${long ?? ''}`);
    }
  }
});

test('what the documents tell to type exists and parses', async () => {
  const typed = [...papers].flatMap(typedIn);
  assert.ok(typed.length > 40, 'the commands were found');
  for (const {where, command} of typed) {
    const [program, first, ...rest] = command.words;
    const words = behindR1(command);
    if (words !== undefined) await checkAgainstTiny(await parse(words), where);
    else if (program === 'npm') checkNpm(first === 'run' ? rest : [first!, ...rest], where);
    else if (program === 'npx') assert.ok(first! in manifest.bin, where);
    else if (program === 'node') {
      const script = rest.at(-1) ?? first!;
      const source = script.replace(/^dist\//, '').replace(/\.js$/, '.ts');
      assert.ok(existsSync(path.join(root, source)), `${where}: there is no ${source}`);
    }
  }
});

function checkNpm([script, ...rest]: readonly string[], where: string): void {
  assert.ok(script !== undefined && script in manifest.scripts, `${where}: there is no script ${script ?? ''}`);
  const words = rest.filter((word) => word !== '--');
  const files = script === 'bench' ? filesIn('test/bench') : filesIn('test');
  for (const word of script === 'test' || script === 'bench' ? words : [])
    assert.ok(
      files.some((file) => file.includes(word)),
      `${where}: no file has “${word}” in its path`,
    );
}

function assertOk(result: Result<unknown, string>, where: string): void {
  if (!result.ok) assert.fail(`${where}: ${result.error}`);
}

/** Nodes, ports and params that are named are those of the built-in recipe. */
async function checkAgainstTiny({command, args, options}: Parsed, where: string): Promise<void> {
  if (command === 'run' || command === 'plan') {
    if (args.some((arg) => arg.includes('/'))) return; // another recipe
    const standing = await openStandIns(options, standIns);
    const standingIn = standing === undefined ? wired : wire(tiny, root, standing.at);
    assert.ok(standingIn.ok, where);
    standing?.check(standingIn.value);
    for (const assignment of (options['set'] as string[] | undefined) ?? [])
      assertOk(applySet(standingIn.value, assignment), where);
    for (const source of (options['source'] as string[] | undefined) ?? [])
      assertOk(applySource(standingIn.value, source.split('=')[0]!, root), where);
    for (const wish of ['only', 'from', 'until', 'force'])
      for (const node of (options[wish] as string[] | undefined) ?? [])
        assert.ok(recipe.nodes.has(node), `${where}: there is no node ${node}`);
    return;
  }
  const beside = options['beside'];
  const samples = [...args.slice(0, 1), ...(typeof beside === 'string' ? [beside] : [])];
  const references =
    {tag: args.slice(1), pin: args, unpin: args, diff: args, compare: args, samples, export: args.slice(0, 1)}[
      command
    ] ??
    (['log', 'why', 'metrics', 'lineage', 'show', 'reproduce', 'chat', 'eval'].includes(command)
      ? args.slice(0, 1)
      : []);
  for (const reference of references) {
    if (/^[@.]|^\d+$/.test(reference)) continue;
    const [, id, port] = /^(?:\d+\/)?([^:]+)(?::(.+))?$/.exec(reference)!;
    const node = recipe.nodes.get(id!);
    assert.ok(node?.type === 'stage', `${where}: there is no node ${id!}`);
    if (port !== undefined) assert.ok(port in node.stage.outputs, `${where}: ${id!} has no output ${port}`);
  }
}

test('the picture at the top of the README has every node of the recipe', () => {
  const picture = readme.fences[0]!.lines.join('\n');
  const missing = [...recipe.nodes.keys()].filter(
    // A line of text speaks of what is there once for each model, and of the models of several steps.
    (node) => !/^evaluate-|-step-\d+$/.test(node) && !new RegExp(`(^|[^\\w-])${node}($|[^\\w-])`, 'm').test(picture),
  );
  assert.deepEqual(missing, []);
});

test('stages/recipes/README.md says what the recipe tiny sets', () => {
  const rows = tableRowsOf(paperOf('stages/recipes/README.md')).flatMap(([cell, , value]) => {
    const [, id, param] = /^`([a-z-]+)\.([a-zA-Z]+)`$/.exec(cell ?? '') ?? [];
    return id === undefined || param === undefined ? [] : [{id, param, value: value!}];
  });
  assert.ok(rows.length >= 20);
  const wrong = rows.flatMap(({id, param, value}) => {
    const node = recipe.nodes.get(id);
    if (node?.type !== 'stage' || !(param in node.params)) return [`there is no ${id}.${param}`];
    const set = node.params[param]!;
    const said = typeof set === 'number' ? Number(value.replaceAll(',', '')) : value;
    return said === set ? [] : [`${id}.${param} is ${JSON.stringify(set)}, not ${value}`];
  });
  assert.deepEqual(wrong, []);
});
