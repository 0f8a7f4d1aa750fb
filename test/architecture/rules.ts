/**
 * The walls of the house as functions from a tree of files to complaints, so that they can be tried on a bad tree too.
 * What each room is for stands in ARCHITECTURE.md.
 */
import ts from 'typescript';
import {importsOf, lineOf, parse, targetOf, walk} from './imports.js';
import type {Tree} from './imports.js';

/** Rooms, and the files of other rooms that each may import. */
const MAY_IMPORT: Readonly<Record<string, RegExp>> = {
  artifacts: /^artifacts\//,
  pipeline: /^(pipeline|artifacts)\//,
  // Stages know the contract of the runner, not the runner, beside the way in which it finds a word that was meant; of the store
  // the file formats, not the store.
  stages:
    /^(stages\/|artifacts\/formats\/|pipeline\/(stage|params|recipe|definition|job\/stage-process|modules\/(own-package|import-definition)|wiring\/did-you-mean)\.ts$)/,
  bin: /^(bin|stages|pipeline|artifacts)\//,
};

/** Code that counts in the code digests of stages, in a room that else does not: what it imported from there would not be seen. */
const COUNTED = /^artifacts\/formats\//;

/** Where a package may be loaded. Its types may be imported anywhere. */
const DOORS: readonly {readonly packages: RegExp; readonly door: RegExp; readonly name: string}[] = [
  {packages: /^better-sqlite3$/, door: /^artifacts\/database\/database\.ts$/, name: 'artifacts/database/database.ts'},
  {packages: /^canonicalize$/, door: /^artifacts\/digest\.ts$/, name: 'artifacts/digest.ts'},
  {packages: /^graphology(-[\w-]+)?$/, door: /^pipeline\/wiring\/graph\.ts$/, name: 'pipeline/wiring/graph.ts'},
  {packages: /^execa$/, door: /^pipeline\/executors\//, name: 'pipeline/executors/'},
  {packages: /^(acorn|@swc\/wasm-typescript)$/, door: /^pipeline\//, name: 'pipeline/'},
  {packages: /^@tensorflow\//, door: /^stages\/tensorflow\/backend\.ts$/, name: 'stages/tensorflow/backend.ts'},
  {
    packages: /^(csv-parse|smol-toml|hyparquet|hyparquet-compressors)$/,
    door: /^stages\/data\/import\//,
    name: 'stages/data/import/',
  },
  {packages: /^@huggingface\/gguf$/, door: /^stages\/model\/gguf\//, name: 'stages/model/gguf/'},
  {packages: /^@huggingface\/hub$/, door: /^stages\/model\/hub\.ts$/, name: 'stages/model/hub.ts'},
  {packages: /^(@huggingface\/(jinja|tokenizers)|eld)$/, door: /^stages\/text\//, name: 'stages/text/'},
  {packages: /^(commander|picocolors|cli-table3|string-width)$/, door: /^bin\//, name: 'bin/'},
];

const packageOf = (specifier: string) => /^(@[^/]+\/[^/]+|[^/]+)/.exec(specifier)?.[0] ?? specifier;

const roomOf = (file: string) => file.split('/')[0] ?? '';

/** The files that make up the product: not tests, not declarations. */
export function productFiles(tree: Tree): string[] {
  return [...tree.keys()].filter((file) => roomOf(file) in MAY_IMPORT && file.endsWith('.ts')).sort();
}

/** Imports point down the stack, stay out of test/, and enter a dependency through its door. */
export function wrongImports(tree: Tree): string[] {
  return productFiles(tree).flatMap((file) =>
    importsOf(parse(file, tree.get(file)!)).flatMap(({specifier, line, typeOnly}) => {
      const where = `${file}:${line}`;
      const target = targetOf(file, specifier);
      if (target !== undefined) {
        if (roomOf(target) === 'test') return [`${where} imports a test: ${specifier}`];
        const allowed = COUNTED.test(file) ? COUNTED : MAY_IMPORT[roomOf(file)]!;
        return allowed.test(target) ? [] : [`${where} may not import ${target}`];
      }
      const rule = DOORS.find(({packages}) => packages.test(packageOf(specifier)));
      if (rule === undefined || typeOnly || rule.door.test(file)) return [];
      return [`${where} imports ${specifier}, whose door is ${rule.name}`];
    }),
  );
}

/** Files that import a package which package.json does not name among the dependencies (types: or devDependencies). */
export function undeclaredPackages(tree: Tree): string[] {
  const {dependencies = {}, devDependencies = {}} = JSON.parse(tree.get('package.json')!) as Partial<
    Record<'dependencies' | 'devDependencies', Record<string, string>>
  >;
  return productFiles(tree).flatMap((file) =>
    importsOf(parse(file, tree.get(file)!))
      .filter(({specifier}) => !/^(\.|node:)/.test(specifier))
      .filter(({specifier, typeOnly}) => {
        const name = packageOf(specifier);
        const types = `@types/${name.replace(/^@/, '').replace('/', '__')}`;
        return !(name in dependencies || (typeOnly && (name in devDependencies || types in devDependencies)));
      })
      .map(({specifier, line}) => `${file}:${line} imports ${specifier}, which is no dependency`),
  );
}

/** Modules that define a stage, and the lists of them: what `plan` and `--help` load. */
export function lightModules(tree: Tree): string[] {
  return productFiles(tree).filter((file) => {
    if (file === 'stages/index.ts' || roomOf(file) !== 'stages')
      return file === 'stages/index.ts' || roomOf(file) === 'bin';
    return callsDefineStage(parse(file, tree.get(file)!));
  });
}

function callsDefineStage(source: ts.SourceFile): boolean {
  let found = false;
  walk(source, (node) => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) found ||= node.expression.text === 'defineStage';
  });
  return found;
}

/** Chains of static imports that lead from a light module to TensorFlow. */
export function tensorflowReached(tree: Tree, from: readonly string[] = lightModules(tree)): string[] {
  const safe = new Set<string>();
  const chainFrom = (file: string, above: readonly string[]): readonly string[] | undefined => {
    const text = tree.get(file);
    if (text === undefined || safe.has(file) || above.includes(file)) return undefined;
    const chain = [...above, file];
    for (const {specifier, typeOnly, dynamic} of importsOf(parse(file, text))) {
      if (typeOnly || dynamic) continue;
      if (specifier.startsWith('@tensorflow/')) return [...chain, specifier];
      const target = targetOf(file, specifier);
      const found = target === undefined ? undefined : chainFrom(target, chain);
      if (found !== undefined) return found;
    }
    safe.add(file);
    return undefined;
  };
  return from.flatMap((file) => chainFrom(file, [])?.join(' → ') ?? []);
}

/** The inside of a stage's process: its stdout and stderr are the attempt's log, and its exit code is an outcome. */
const OTHER_PROCESSES = ['pipeline/job/stage-process.ts'];

/** Only bin/ prints and sets exit codes; everything below returns values. */
export function printing(tree: Tree): string[] {
  return productFiles(tree)
    .filter((file) => roomOf(file) !== 'bin' && !OTHER_PROCESSES.includes(file))
    .flatMap((file) => {
      const source = parse(file, tree.get(file)!);
      const found: string[] = [];
      walk(source, (node) => {
        if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return;
        const name = `${node.expression.text}.${node.name.text}`;
        if (/^(console\.\w+|process\.(stdout|stderr|exitCode|exit))$/.test(name)) {
          found.push(`${file}:${lineOf(source, node)} uses ${name}`);
        }
      });
      return found;
    });
}

/** Rooms below the command line: what they say is shown by it, by pages and by programs. */
const BELOW_THE_COMMANDS: ReadonlySet<string> = new Set(['artifacts', 'pipeline']);

/** The commands, from the table in `bin/main.ts`; and every option that a command has. */
function commandLine(tree: Tree): {readonly commands: ReadonlySet<string>; readonly options: ReadonlySet<string>} {
  const table = /const COMMANDS\b[^{]*\{([^}]*)\}/.exec(tree.get('bin/main.ts') ?? '')?.[1] ?? '';
  const commands = new Set(Array.from(table.matchAll(/^\s*'?([a-z-]+)'?:/gm), ([, name]) => name!));
  const options = new Set<string>();
  for (const file of productFiles(tree).filter((name) => roomOf(name) === 'bin')) {
    for (const text of texts(parse(file, tree.get(file)!))) {
      const [, name] = /^(?:-\w, )?--([a-z][a-z-]*)(?: |$)/.exec(text.text) ?? [];
      if (name !== undefined) options.add(name);
    }
  }
  return {commands, options};
}

/** Strings and the fixed parts of templates; no comments, and nothing that is imported. */
function texts(source: ts.SourceFile): readonly {readonly text: string; readonly line: number}[] {
  const found: {text: string; line: number}[] = [];
  walk(source, (node) => {
    if (!ts.isStringLiteralLike(node) && !ts.isTemplateHead(node) && !ts.isTemplateMiddleOrTemplateTail(node)) return;
    found.push({text: node.text, line: lineOf(source, node)});
  });
  return found;
}

/** Where a room below the commands names one of them, or an option. `bin/render/hints.ts` does it for them. */
export function commandsNamed(tree: Tree): string[] {
  const {commands, options} = commandLine(tree);
  return productFiles(tree)
    .filter((file) => BELOW_THE_COMMANDS.has(roomOf(file)))
    .flatMap((file) =>
      texts(parse(file, tree.get(file)!)).flatMap(({text, line}) => [
        ...Array.from(text.matchAll(/\br1 ([a-z-]+)/g), ([, name]) => name!)
          .filter((name) => commands.has(name))
          .map((name) => `${file}:${line} names r1 ${name}`),
        ...Array.from(text.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g), ([, name]) => name!)
          .filter((name) => options.has(name))
          .map((name) => `${file}:${line} names --${name}`),
        // The rest is put in.
        ...(/(?<![\w-])--$/.test(text) ? [`${file}:${line} names --…`] : []),
      ]),
    );
}

const KNOWS_THE_PACKAGE = 'pipeline/modules/own-package.ts';

/** Modules that reckon from their own depth where something of the package lies, and so break when they are moved. */
export function countingFolders(tree: Tree): string[] {
  return productFiles(tree)
    .filter((file) => file !== KNOWS_THE_PACKAGE)
    .flatMap((file) => {
      const source = parse(file, tree.get(file)!);
      const found: string[] = [];
      walk(source, (node) => {
        if (!ts.isNewExpression(node) || node.expression.getText(source) !== 'URL') return;
        const [target] = node.arguments ?? [];
        const text = target?.getText(source).slice(1) ?? '';
        // Python, its lock files and suites are not compiled and lie in the sources alone. Its address is written out, so that its bytes are seen by
        // whoever takes the code digest.
        if (text.startsWith('..') && !/\.(?:py|toml).$|\/requirements\.txt.$/.test(text))
          found.push(`${file}:${lineOf(source, node)} counts folders; ${KNOWS_THE_PACKAGE} knows`);
      });
      return found;
    });
}

/** Files over the limit, the allowed ones left out; and allowances that nobody needs any more. */
export function tooLong(tree: Tree, limit: number, allowed: Readonly<Record<string, string>>): string[] {
  const files = [...tree.keys()].filter((file) => /\.(ts|js)$/.test(file));
  const long = files.filter((file) => tree.get(file)!.trimEnd().split('\n').length > limit);
  return [
    ...long.filter((file) => !(file in allowed)).map((file) => `${file} is over ${limit} lines: it is two files`),
    ...Object.keys(allowed)
      .filter((file) => !long.includes(file))
      .map((file) => `${file} needs no allowance`),
  ];
}

/** Places that belong to one machine, and hosts of package registries, each with file and line. */
export function machineTraces(tree: Tree, traces: readonly string[]): string[] {
  return [...tree].flatMap(([file, text]) =>
    text.split('\n').flatMap((line, index) => {
      const trace = traces.find((each) => line.includes(each));
      return trace === undefined ? [] : [`${file}:${index + 1} names ${trace}`];
    }),
  );
}
