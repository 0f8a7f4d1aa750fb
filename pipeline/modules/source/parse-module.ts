/**
 * What a module says, without how it is laid out: a digest of its tokens with a hole where it names another module or a
 * file, and these names. Used only for sources whose tokens are not cached, and the parser is loaded only then.
 */
import {createHash} from 'node:crypto';
import {createRequire} from 'node:module';
import type * as Acorn from 'acorn';
import {namesIn} from './module-links.js';
import type {Named, Range, ReExport} from './module-links.js';

/** How Node reads a text. `either`: as a module, or as CommonJS if it is not one. */
export type Form = 'module' | 'script' | 'either';

export interface ModuleText {
  /** sha256 over the tokens, with holes for what is in `named`. */
  readonly tokens: string;
  /** What stands in the holes, in their order. */
  readonly named: readonly Named[];
  readonly reExports: readonly ReExport[];
  /** Lines on which something is loaded by a name that is not written there. */
  readonly computed: readonly number[];
}

/**
 * Parses a module. Semicolons that the language inserts count as written, so that a line break which changes the meaning
 * changes the digest; other line breaks, blanks, comments, and commas at the end of a list do not count.
 *
 * @throws SyntaxError with acorn's `loc`
 */
export function readModuleText(source: string, form: Form = 'module'): ModuleText {
  const {root, tokens} = form === 'either' ? parseAsEither(source) : parseAs(source, form);
  const isScript = form === 'script' || (form === 'either' && !hasModuleSyntax(root));
  const {named, reExports, computed} = namesIn(root, isScript);
  return {
    tokens: digestOf(tokens, named),
    named: named.map(({specifier, names, via}) => ({specifier, names, via})),
    reExports,
    computed: computed.map(({start}) => source.slice(0, start).split('\n').length),
  };
}

interface Parsed {
  readonly root: Acorn.Program;
  readonly tokens: readonly Token[];
}

interface Token {
  readonly at: number;
  readonly text: string;
}

let acorn: typeof Acorn | undefined;

function parseAs(source: string, form: 'module' | 'script'): Parsed {
  acorn ??= createRequire(import.meta.url)('acorn') as typeof Acorn;
  const tokens: Token[] = [];
  const root = acorn.parse(source, {
    ecmaVersion: 'latest',
    sourceType: form === 'module' ? 'module' : 'commonjs',
    allowHashBang: true,
    onToken: ({start, end}) => tokens.push({at: start, text: source.slice(start, end)}),
    onInsertedSemicolon: (at) => tokens.push({at: at - 0.5, text: ';'}),
  });
  return {root, tokens: tokens.sort((a, b) => a.at - b.at)};
}

function parseAsEither(source: string): Parsed {
  try {
    return parseAs(source, 'module');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    try {
      return parseAs(source, 'script');
    } catch (other) {
      throw other instanceof SyntaxError ? error : other;
    }
  }
}

/** Whether Node would take it for a module though no package.json says so. */
const hasModuleSyntax = ({body}: Acorn.Program): boolean =>
  body.some(({type}) => /^(Import|Export(All|Default|Named))Declaration$/.test(type));

/** Every token with its length in front, so that two of them never look like one. */
function digestOf(tokens: readonly Token[], holes: readonly Range[]): string {
  const hash = createHash('sha256');
  let next = 0;
  let marked: Range | undefined;
  let before: string | undefined;
  tokens.forEach(({at, text}, i) => {
    while (next < holes.length && at >= holes[next]!.end) next++;
    const hole = holes[next];
    if (hole !== undefined && at >= hole.start) {
      if (hole !== marked) hash.update('hole:');
      marked = hole;
      before = undefined;
      return;
    }
    if (text === ',' && endsList(before, tokens[i + 1]?.text)) return;
    hash.update(`${Buffer.byteLength(text)}:${text}`);
    before = text;
  });
  return hash.digest('hex');
}

/** A comma at the end of a list, which formatters and left out types put there and take away; not one that makes a gap. */
const endsList = (before: string | undefined, behind: string | undefined): boolean =>
  behind === '}' || behind === ')' || (behind === ']' && before !== ',' && before !== '[');
