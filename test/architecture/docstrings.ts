/** What a front door exports is read by people who have not seen the code behind it, so each value says what it is. */
import ts from 'typescript';
import {lineOf, parse, targetOf} from './imports.js';
import type {Tree} from './imports.js';

/** The modules that package.json names in `exports`, as sources. */
export function frontDoors(tree: Tree): string[] {
  const {exports = {}} = JSON.parse(tree.get('package.json')!) as {
    exports?: Readonly<Record<string, string | {readonly default: string}>>;
  };
  return Object.values(exports)
    .flatMap((target) => (typeof target === 'string' ? [] : [target.default]))
    .map((file) => file.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts'));
}

interface Exported {
  readonly name: string;
  readonly file: string;
  readonly source: ts.SourceFile;
  readonly statement: ts.Statement;
}

/** Functions, classes and constants that a module exports, its own and those that it passes on; no types. */
function valuesOf(tree: Tree, file: string): Exported[] {
  const source = parse(file, tree.get(file) ?? '');
  const own = (statement: ts.Statement, name: string): Exported => ({name, file, source, statement});
  return source.statements.flatMap((statement): Exported[] => {
    if (ts.isExportDeclaration(statement)) return passedOn(tree, file, statement);
    if (ts.isExportAssignment(statement)) return [own(statement, 'default')];
    return isExported(statement) ? namesOf(statement).map((name) => own(statement, name)) : [];
  });
}

/** `export {a, b as c} from './other.js'`, `export * from './other.js'`, and the same of one's own names. */
function passedOn(tree: Tree, file: string, statement: ts.ExportDeclaration): Exported[] {
  const {moduleSpecifier, exportClause, isTypeOnly} = statement;
  if (isTypeOnly) return [];
  const from = moduleSpecifier === undefined ? undefined : targetOf(file, (moduleSpecifier as ts.StringLiteral).text);
  if (exportClause === undefined) return from === undefined ? [] : valuesOf(tree, from);
  if (!ts.isNamedExports(exportClause)) return [];
  const there = from === undefined ? declaredIn(tree, file) : valuesOf(tree, from);
  return exportClause.elements
    .filter((each) => !each.isTypeOnly)
    .flatMap(({propertyName, name}) =>
      there.filter((value) => value.name === (propertyName ?? name).text).map((value) => ({...value, name: name.text})),
    );
}

/** Functions, classes and constants of a module, exported or not. */
function declaredIn(tree: Tree, file: string): Exported[] {
  const source = parse(file, tree.get(file) ?? '');
  return source.statements.flatMap((statement) => namesOf(statement).map((name) => ({name, file, source, statement})));
}

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  ts.getModifiers(statement)?.some(({kind}) => kind === ts.SyntaxKind.ExportKeyword) === true;

function namesOf(statement: ts.Statement): string[] {
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
    return [statement.name?.text ?? 'default'];
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({name}) => (ts.isIdentifier(name) ? [name.text] : []));
}

/** A comment with more blank lines behind it is about the file. */
function hasDocstring({source, statement}: Exported): boolean {
  const last = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc).at(-1);
  if (last === undefined) return false;
  return source.getLineAndCharacterOfPosition(last.end).line + 2 === lineOf(source, statement);
}

/** Values that a front door exports without a comment that says what they are. */
export function undocumented(tree: Tree): string[] {
  const values = frontDoors(tree).flatMap((door) => valuesOf(tree, door));
  const bare = values.filter((value) => !hasDocstring(value));
  return [
    ...new Set(bare.map(({name, file, source, statement}) => `${file}:${lineOf(source, statement)} ${name}`)),
  ].map((where) => `${where} has no docstring`);
}
