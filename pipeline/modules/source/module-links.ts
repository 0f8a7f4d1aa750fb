/**
 * What a module names in its text: the modules that it imports or requires, and the files that it points at from where it
 * lies itself. Names that only come about when it runs cannot be followed, and are reported with their place.
 */
import type {Node as AcornNode} from 'acorn';

/**
 * How a name is meant. `import` and `require` load what they name. Of the others nobody knows what becomes of it:
 * `resolve` is `import.meta.resolve(…)`, `url` is `new URL(…, import.meta.url)`, `path` is `join(import.meta.dirname, …)`.
 */
export type Via = 'import' | 'require' | 'resolve' | 'url' | 'path';

export interface Named {
  readonly specifier: string;
  /** The bindings asked for; `*` stands for all of them. */
  readonly names: readonly string[];
  readonly via: Via;
}

/** `export {a as b} from './c.js'`; `name` is the outer name, `*` for `export * from`. */
export interface ReExport {
  readonly name: string;
  readonly specifier: string;
  readonly imported: string;
}

/** Where in the text something stands. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface ModuleNames {
  /** In the order of the text. */
  readonly named: readonly (Named & Range)[];
  readonly reExports: readonly ReExport[];
  /** Where something is loaded by a name that is not written there. */
  readonly computed: readonly Range[];
}

/** Any node of the tree, seen as the record that it is. */
type Tree = Readonly<Record<string, unknown>> & Range & {readonly type: string};

/** @param isScript whether `require` is Node's own, as in a CommonJS module */
export function namesIn(root: AcornNode, isScript: boolean): ModuleNames {
  const finder = new Finder(isScript);
  finder.learn(root as unknown as Tree);
  finder.visit(root as unknown as Tree);
  finder.named.sort((a, b) => a.start - b.start);
  return finder;
}

/** Of a function that requires. */
const HARMLESS: ReadonlySet<string> = new Set(['cache', 'extensions', 'main', 'resolve']);

class Finder implements ModuleNames {
  readonly named: (Named & Range)[] = [];
  readonly reExports: ReExport[] = [];
  readonly computed: Range[] = [];
  /** Local names of `createRequire`. */
  readonly #creators = new Set(['createRequire']);
  /** Names of functions that require, and whether they do it from where this module lies. */
  readonly #requirers = new Map<string, boolean>();
  /** Names of the folder of this module. */
  readonly #folders = new Set(['__dirname']);
  /** Mentions of a function that requires which are understood, or mean something else. */
  readonly #understood = new Set<unknown>();

  constructor(isScript: boolean) {
    if (isScript) this.#requirers.set('require', true);
  }

  /** Which names stand for `require` and for the folder, wherever in the module they were given. */
  learn(tree: Tree): void {
    if (tree.type === 'ImportSpecifier' && nameOf(tree['imported']) === 'createRequire') {
      this.#creators.add(nameOf(tree['local']));
    } else if (
      tree.type === 'Property' &&
      nameOf(tree['key']) === 'createRequire' &&
      isA(tree['value'], 'Identifier')
    ) {
      this.#creators.add(nameOf(tree['value']));
    } else if (tree.type === 'VariableDeclarator') this.#learnName(tree['id'], tree['init']);
    else if (tree.type === 'AssignmentExpression') this.#learnName(tree['left'], tree['right']);
    for (const child of childrenOf(tree)) this.learn(child);
  }

  #learnName(target: unknown, value: unknown): void {
    if (!isA(target, 'Identifier')) return;
    const name = nameOf(target);
    const fromHere = this.#createsRequire(value);
    if (fromHere !== undefined) this.#requirers.set(name, fromHere && this.#requirers.get(name) !== false);
    else if (isA(value, 'Identifier') && this.#requirers.has(nameOf(value))) {
      this.#requirers.set(name, this.#requirers.get(nameOf(value))!);
      this.#understood.add(value);
    }
    if (this.#isFolder(value)) this.#folders.add(name);
  }

  visit(tree: Tree): void {
    switch (tree.type) {
      case 'ImportDeclaration':
        this.#add(tree['source'], 'import', (tree['specifiers'] as Tree[]).map(importedName));
        break;
      case 'ExportAllDeclaration':
        this.#add(tree['source'], 'import', ['*']);
        this.reExports.push({
          name: tree['exported'] ? nameOf(tree['exported']) : '*',
          specifier: literal(tree['source'])!,
          imported: '*',
        });
        break;
      case 'ExportNamedDeclaration':
        this.#exportNamed(tree);
        break;
      case 'ImportExpression':
        if (!this.#add(tree['source'], 'import', ['*']) && !this.#isFollowed(tree['source'])) this.computed.push(tree);
        break;
      case 'NewExpression':
        this.#construct(tree);
        break;
      case 'CallExpression':
        this.#call(tree);
        break;
      case 'TemplateLiteral':
        this.#template(tree);
        break;
      case 'BinaryExpression':
        if (tree['operator'] === '+' && this.#isFolder(tree['left'])) this.#add(tree['right'], 'path', ['*']);
        break;
      case 'Identifier':
        // Whoever gets hold of it may require anything.
        if (this.#requirers.has(nameOf(tree)) && !this.#understood.has(tree)) this.computed.push(tree);
        break;
      default:
        this.#passOver(tree);
    }
    for (const child of childrenOf(tree)) this.visit(child);
  }

  #add(source: unknown, via: Via, names: readonly string[], range = source as Range): boolean {
    const specifier = literal(source);
    if (specifier === undefined) return false;
    this.named.push({specifier, names, via, start: range.start, end: range.end});
    return true;
  }

  #exportNamed(tree: Tree): void {
    const specifier = literal(tree['source']);
    if (specifier === undefined) return;
    const pairs = (tree['specifiers'] as Tree[]).map((each) => ({
      name: nameOf(each['exported']),
      imported: nameOf(each['local']),
    }));
    this.#add(
      tree['source'],
      'import',
      pairs.map(({imported}) => imported),
    );
    for (const pair of pairs) this.reExports.push({...pair, specifier});
  }

  /** `new URL('./data.txt', import.meta.url)` */
  #construct(tree: Tree): void {
    const [target, base] = tree['arguments'] as Tree[];
    if (calledName(tree['callee'] as Tree) !== 'URL' || !isAddress(base)) return;
    if (!this.#add(target, 'url', ['*'])) this.computed.push(tree);
  }

  #call(tree: Tree): void {
    const callee = tree['callee'] as Tree;
    const [first, ...rest] = tree['arguments'] as Tree[];
    const fromHere = this.#requires(callee);
    if (fromHere !== undefined) {
      const isPlain = fromHere && (isA(callee, 'MemberExpression') ? rest.length === 0 : true);
      const isFollowed = isPlain && (this.#add(first, 'require', ['*']) || this.#isFollowed(first));
      if (!isFollowed) this.computed.push(tree);
    } else if (isMeta(callee, 'resolve')) {
      if (!this.#add(first, 'resolve', ['*'])) this.computed.push(tree);
    } else if (this.#isFolder(first) && rest.length > 0) this.#join(callee, rest);
  }

  /** Whether an expression says by a name that is written there what is to be loaded; the name is found when it is visited. */
  #isFollowed(value: unknown): boolean {
    if (isA(value, 'MemberExpression'))
      return nameOf(value['property']) === 'href' && this.#isFollowed(value['object']);
    if (isA(value, 'NewExpression')) {
      const [target, base] = value['arguments'] as Tree[];
      return calledName(value['callee'] as Tree) === 'URL' && isAddress(base) && literal(target) !== undefined;
    }
    if (isA(value, 'BinaryExpression')) return this.#isFolder(value['left']) && literal(value['right']) !== undefined;
    if (isA(value, 'TemplateLiteral')) return this.#inTemplate(value) !== undefined;
    if (!isA(value, 'CallExpression')) return false;
    const callee = value['callee'] as Tree;
    const [first, ...rest] = value['arguments'] as Tree[];
    if (['fileURLToPath', 'pathToFileURL', 'String'].includes(calledName(callee) ?? '')) return this.#isFollowed(first);
    if (this.#isFolder(first)) return this.#joined(callee, rest) !== undefined;
    const resolves = isMeta(callee, 'resolve') || (calledName(callee) === 'resolve' && this.#requires(callee) === true);
    return resolves && literal(first) !== undefined;
  }

  /** `join(import.meta.dirname, 'data', 'rows.txt')` */
  #join(callee: Tree, rest: readonly Tree[]): void {
    const specifier = this.#joined(callee, rest);
    if (specifier === undefined) return;
    this.named.push({specifier, names: ['*'], via: 'path', start: rest[0]!.start, end: rest.at(-1)!.end});
  }

  #joined(callee: Tree, rest: readonly Tree[]): string | undefined {
    const joins = calledName(callee);
    const words = rest.map(literal);
    if ((joins !== 'join' && joins !== 'resolve') || words.length === 0 || words.includes(undefined)) return undefined;
    return joins === 'resolve' && words.some((word) => word!.startsWith('/')) ? undefined : words.join('/');
  }

  /** `${import.meta.dirname}/rows.txt` */
  #template(tree: Tree): void {
    const behind = this.#inTemplate(tree);
    if (behind === undefined) return;
    this.named.push({specifier: behind.value.cooked, names: ['*'], via: 'path', start: behind.start, end: behind.end});
  }

  #inTemplate(tree: Tree): (Range & {value: {cooked: string}}) | undefined {
    const [folder, ...others] = tree['expressions'] as Tree[];
    const [before, behind] = tree['quasis'] as (Tree & {value: {cooked?: string}})[];
    if (others.length > 0 || before?.value.cooked !== '' || !this.#isFolder(folder)) return undefined;
    return behind?.value.cooked?.startsWith('/') === true ? (behind as Tree & {value: {cooked: string}}) : undefined;
  }

  /** Whether a function requires, and if so, whether from where this module lies. */
  #requires(callee: Tree): boolean | undefined {
    if (isA(callee, 'Identifier')) {
      const fromHere = this.#requirers.get(nameOf(callee));
      if (fromHere !== undefined) this.#understood.add(callee);
      return fromHere;
    }
    if (isA(callee, 'MemberExpression') && callee['computed'] !== true) {
      const [object, property] = [callee['object'] as Tree, nameOf(callee['property'])];
      if (property === 'resolve') return isA(object, 'MemberExpression') ? undefined : this.#requires(object);
      const isModules = isA(object, 'Identifier') && nameOf(object) === 'module' && property === 'require';
      return isModules ? this.#requirers.get('require') : undefined;
    }
    return this.#createsRequire(callee);
  }

  /** Whether something is `createRequire(…)`, and if so, whether for where this module lies. */
  #createsRequire(value: unknown): boolean | undefined {
    if (!isA(value, 'CallExpression')) return undefined;
    const callee = value['callee'] as Tree;
    const isCreator = isA(callee, 'Identifier')
      ? this.#creators.has(nameOf(callee))
      : isA(callee, 'MemberExpression') && nameOf(callee['property']) === 'createRequire';
    if (!isCreator) return undefined;
    const [base] = value['arguments'] as Tree[];
    return isAddress(base) || isFile(base);
  }

  /** The folder in which this module lies, in one of the ways to say it. */
  #isFolder(value: unknown): boolean {
    if (isMeta(value, 'dirname')) return true;
    if (isA(value, 'Identifier')) return this.#folders.has(nameOf(value));
    if (!isA(value, 'CallExpression')) return false;
    const called = calledName(value['callee'] as Tree);
    const [of] = value['arguments'] as Tree[];
    if (called === 'dirname') return isFile(of);
    if (called !== 'fileURLToPath' || !isA(of, 'NewExpression')) return false;
    const [target, base] = of['arguments'] as Tree[];
    return isAddress(base) && ['.', './'].includes(literal(target) ?? '');
  }

  /** Where the name of a function that requires is no mention of it, or a harmless one. */
  #passOver(tree: Tree): void {
    const understood = (value: unknown) => this.#understood.add(value);
    switch (tree.type) {
      case 'VariableDeclarator':
        understood(tree['id']);
        break;
      case 'AssignmentExpression':
        understood(tree['left']);
        break;
      case 'MemberExpression':
        // `require.main`; and `its.require`
        if (tree['computed'] === true) break;
        if (HARMLESS.has(nameOf(tree['property']))) understood(tree['object']);
        understood(tree['property']);
        break;
      case 'UnaryExpression':
        if (tree['operator'] === 'typeof') understood(tree['argument']);
        break;
      case 'Property':
      case 'PropertyDefinition':
      case 'MethodDefinition':
        if (tree['computed'] !== true && tree['shorthand'] !== true) understood(tree['key']);
        break;
      case 'ImportSpecifier':
      case 'ExportSpecifier':
        for (const part of childrenOf(tree)) understood(part);
        break;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        for (const parameter of tree['params'] as unknown[]) understood(parameter);
        break;
      default:
    }
  }
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && typeof (value as {type?: unknown}).type === 'string';

const isA = (value: unknown, type: string): value is Tree => isTree(value) && value.type === type;

function* childrenOf(tree: Tree): Generator<Tree> {
  for (const child of Object.values(tree)) {
    if (Array.isArray(child)) {
      for (const item of child) if (isTree(item)) yield item;
    } else if (isTree(child)) yield child;
  }
}

/** The text of a string, or of a template without expressions. */
function literal(value: unknown): string | undefined {
  if (isA(value, 'Literal') && typeof value['value'] === 'string') return value['value'];
  if (!isA(value, 'TemplateLiteral') || (value['expressions'] as unknown[]).length > 0) return undefined;
  return (value['quasis'] as {value: {cooked?: string}}[])[0]?.value.cooked;
}

/** The word of an identifier, or the text of a string that stands in its place. */
const nameOf = (value: unknown): string => String((value as Tree)['name'] ?? (value as Tree)['value']);

function importedName(specifier: Tree): string {
  if (specifier.type === 'ImportNamespaceSpecifier') return '*';
  return specifier.type === 'ImportDefaultSpecifier' ? 'default' : nameOf(specifier['imported']);
}

/** `join` for `join(…)` and `path.join(…)` */
function calledName(callee: Tree): string | undefined {
  if (isA(callee, 'Identifier')) return nameOf(callee);
  return isA(callee, 'MemberExpression') && callee['computed'] !== true ? nameOf(callee['property']) : undefined;
}

/** `import.meta.url` and its like */
const isMeta = (value: unknown, property: string): boolean =>
  isA(value, 'MemberExpression') && isA(value['object'], 'MetaProperty') && nameOf(value['property']) === property;

/** The file of this module, in one of the ways to say it. */
function isFile(value: unknown): boolean {
  if (isMeta(value, 'filename') || (isA(value, 'Identifier') && nameOf(value) === '__filename')) return true;
  if (!isA(value, 'CallExpression')) return false;
  const [of] = value['arguments'] as unknown[];
  return calledName(value['callee'] as Tree) === 'fileURLToPath' && isMeta(of, 'url');
}

/** The address of this module. */
function isAddress(value: unknown): boolean {
  if (isMeta(value, 'url')) return true;
  if (!isA(value, 'CallExpression')) return false;
  const [of] = value['arguments'] as unknown[];
  return calledName(value['callee'] as Tree) === 'pathToFileURL' && isFile(of);
}
