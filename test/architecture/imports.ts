/** Reads what a TypeScript module imports, from its syntax tree and not by patterns. Resolves only relative paths. */
import path from 'node:path/posix';
import ts from 'typescript';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
  /** `import(…)`, `require(…)` or `new URL(…, import.meta.url)`: loaded when the line runs, if ever. */
  readonly dynamic: boolean;
}

/** Paths relative to the project, with `/`, and the text of each file. */
export type Tree = ReadonlyMap<string, string>;

export function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
}

export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** Visits a node and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

export function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  walk(source, (node) => {
    const add = (specifier: ts.Node | undefined, kind: {typeOnly: boolean; dynamic: boolean}) => {
      if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
      found.push({specifier: specifier.text, line: lineOf(source, node), ...kind});
    };
    if (ts.isImportDeclaration(node)) {
      // `import {type A} from 'b'` counts as an import: with verbatimModuleSyntax it still loads b.
      add(node.moduleSpecifier, {
        typeOnly: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword,
        dynamic: false,
      });
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, {typeOnly: node.isTypeOnly, dynamic: false});
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, {typeOnly: true, dynamic: false});
    } else if (ts.isCallExpression(node) && loads(node.expression)) {
      add(node.arguments[0], {typeOnly: false, dynamic: true});
    } else if (ts.isNewExpression(node) && isOwnUrl(node, source)) {
      add(node.arguments![0], {typeOnly: false, dynamic: true});
    }
  });
  return found;
}

/** `new URL('./worker.js', import.meta.url)`: how threads and processes are started from a module. */
function isOwnUrl(node: ts.NewExpression, source: ts.SourceFile): boolean {
  const [target, base] = node.arguments ?? [];
  if (node.expression.getText(source) !== 'URL' || base?.getText(source) !== 'import.meta.url') return false;
  return target !== undefined && ts.isStringLiteralLike(target) && /^\..*\.js$/.test(target.text);
}

/** `import(…)`, `require(…)`, `createRequire(…)(…)`. */
function loads(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(callee)) return callee.text === 'require';
  return (
    ts.isCallExpression(callee) && ts.isIdentifier(callee.expression) && callee.expression.text === 'createRequire'
  );
}

/** The project file that a relative specifier names, undefined for a package or a module of Node's. */
export function targetOf(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return path.join(path.dirname(file), specifier).replace(/\.js$/, '.ts');
}
