/**
 * What a module says, without how it is laid out: a digest of its tokens, and the modules that it names. Loaded only for
 * sources whose tokens are not cached, because a parser is slow to load.
 */
import {createHash} from 'node:crypto';
import {parse} from 'acorn';
import type {Node as AcornNode} from 'acorn';

/** A module named in a source. `names` are the bindings asked for; `*` stands for all of them. */
export interface Import {
  readonly specifier: string;
  readonly names: readonly string[];
  /** `url`: the literal of a `new URL('./worker.js', import.meta.url)`. */
  readonly via: 'import' | 'url';
}

/** `export {a as b} from './c.js'`; `name` is the outer name, `*` for `export * from`. */
export interface ReExport {
  readonly name: string;
  readonly specifier: string;
  readonly imported: string;
}

export interface ModuleText {
  /** sha256 over the tokens. */
  readonly tokens: string;
  readonly imports: readonly Import[];
  readonly reExports: readonly ReExport[];
}

/**
 * Parses an ES module. Semicolons that the language inserts count as written, so that a line break which changes the
 * meaning changes the digest; other line breaks, blanks and comments do not count.
 *
 * @throws SyntaxError with acorn's `loc`
 */
export function readModuleText(source: string): ModuleText {
  const tokens: {at: number; text: string}[] = [];
  const root = parse(source, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    allowHashBang: true,
    onToken: ({start, end}) => tokens.push({at: start, text: source.slice(start, end)}),
    onInsertedSemicolon: (at) => tokens.push({at: at - 0.5, text: ';'}),
  });
  tokens.sort((a, b) => a.at - b.at);
  const hash = createHash('sha256');
  for (const {text} of tokens) hash.update(`${text}\0`);
  const imports: Import[] = [];
  const reExports: ReExport[] = [];
  visit(root, imports, reExports);
  return {tokens: hash.digest('hex'), imports, reExports};
}

/** Any node of the tree, seen as the record that it is. */
type Tree = Readonly<Record<string, unknown>> & {readonly type: string};

function visit(node: AcornNode, imports: Import[], reExports: ReExport[]): void {
  const tree = node as unknown as Tree;
  switch (tree.type) {
    case 'ImportDeclaration': {
      const names = (tree['specifiers'] as Tree[]).map((specifier) =>
        specifier.type === 'ImportNamespaceSpecifier'
          ? '*'
          : specifier.type === 'ImportDefaultSpecifier'
            ? 'default'
            : nameOf(specifier['imported']),
      );
      imports.push({specifier: literal(tree['source'])!, names, via: 'import'});
      break;
    }
    case 'ExportAllDeclaration': {
      const specifier = literal(tree['source'])!;
      imports.push({specifier, names: ['*'], via: 'import'});
      reExports.push({name: tree['exported'] ? nameOf(tree['exported']) : '*', specifier, imported: '*'});
      break;
    }
    case 'ExportNamedDeclaration': {
      const specifier = literal(tree['source']);
      if (specifier !== undefined) {
        const pairs = (tree['specifiers'] as Tree[]).map((s) => ({
          name: nameOf(s['exported']),
          imported: nameOf(s['local']),
        }));
        imports.push({specifier, names: pairs.map(({imported}) => imported), via: 'import'});
        for (const pair of pairs) reExports.push({...pair, specifier});
      }
      break;
    }
    case 'ImportExpression': {
      const specifier = literal(tree['source']);
      if (specifier !== undefined) imports.push({specifier, names: ['*'], via: 'import'});
      break;
    }
    case 'NewExpression': {
      const [target, base] = tree['arguments'] as Tree[];
      const specifier = literal(target);
      if (nameOf(tree['callee']) === 'URL' && specifier !== undefined && isImportMetaUrl(base)) {
        imports.push({specifier, names: ['*'], via: 'url'});
      }
      break;
    }
    default:
  }
  for (const child of Object.values(tree)) {
    if (Array.isArray(child)) {
      for (const item of child) if (isNode(item)) visit(item, imports, reExports);
    } else if (isNode(child)) visit(child, imports, reExports);
  }
}

const isNode = (value: unknown): value is AcornNode =>
  typeof value === 'object' && value !== null && typeof (value as {type?: unknown}).type === 'string';

function literal(value: unknown): string | undefined {
  const node = value as Tree | null | undefined;
  if (node?.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node?.type !== 'TemplateLiteral' || (node['expressions'] as unknown[]).length > 0) return undefined;
  return (node['quasis'] as {value: {cooked?: string}}[])[0]?.value.cooked;
}

/** The word of an identifier, or the text of a string that stands in its place. */
const nameOf = (value: unknown): string => String((value as Tree)['name'] ?? (value as Tree)['value']);

function isImportMetaUrl(value: unknown): boolean {
  const node = value as Tree | undefined;
  return (
    node?.type === 'MemberExpression' &&
    (node['object'] as Tree).type === 'MetaProperty' &&
    nameOf(node['property']) === 'url'
  );
}
