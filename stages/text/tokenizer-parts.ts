/**
 * Which parts of a tokenizer.json are computed here, and how. @huggingface/tokenizers is written for JavaScript's idea of
 * letters, digits and whitespace and leaves out some options; Hugging Face's Rust library is what a model was trained with.
 * So every part is either brought into a form in which both agree, which the tests measure, or refused by its name.
 */
import {UnknownPart, prependScheme} from './decoder.js';
import type {Part} from './decoder.js';

const refuse = (what: string): never => {
  throw new UnknownPart(what);
};

const SPACE = '\\p{White_Space}';
/** What `\w` is to the regex library of Rust. */
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
/** ASCII's punctuation, and Unicode's. */
const PUNCTUATION = '\\p{P}!-\\/:-@\\[-`{-~';

interface Pattern {
  readonly Regex?: string;
  readonly String?: string;
}

const isolated = (regex: string): Part => ({
  type: 'Split',
  pattern: {Regex: regex},
  behavior: 'Isolated',
  invert: false,
});
/** What the pattern finds are the pieces; what is between them is dropped. */
const found = (regex: string): Part => ({type: 'Split', pattern: {Regex: regex}, behavior: 'Removed', invert: true});

/** @throws {UnknownPart} */
export function exactNormalizer(part: Part | null): Part | null {
  if (part === null) return null;
  switch (part.type) {
    case 'Sequence':
      return {type: 'Sequence', normalizers: (part['normalizers'] as readonly Part[]).map(exactNormalizer)};
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
    case 'Lowercase':
    case 'Prepend':
      return part;
    case 'Replace': {
      const {pattern, content} = part as unknown as {pattern: Pattern; content: unknown};
      if (typeof content !== 'string' || (pattern.String ?? pattern.Regex ?? '') === '')
        refuse('normalizer “Replace” without a pattern');
      // A dollar sign means something to JavaScript's replace, and nothing to Rust's.
      return {...part, content: (content as string).replaceAll('$', '$$$$')};
    }
    case 'Strip': {
      const sides = [
        ...(part['strip_left'] === true ? [`\\A${SPACE}+`] : []),
        ...(part['strip_right'] === true ? [`${SPACE}+\\z`] : []),
      ];
      return {
        type: 'Sequence',
        normalizers: sides.map((regex) => ({type: 'Replace', pattern: {Regex: regex}, content: ''})),
      };
    }
    default:
      return refuse(`normalizer “${part.type}”`);
  }
}

/** @throws {UnknownPart} */
export function exactPreTokenizer(part: Part | null): Part | null {
  if (part === null) return null;
  switch (part.type) {
    case 'Sequence': {
      const parts = (part['pretokenizers'] as readonly Part[]).map((one) => exactPreTokenizer(one)!);
      if (parts.slice(1).some(putsFirst))
        refuse('pre_tokenizer “Metaspace” with prepend_scheme “first” behind another');
      return {type: 'Sequence', pretokenizers: parts};
    }
    case 'ByteLevel':
      return part;
    case 'WhitespaceSplit':
      return found(`\\P{White_Space}+`);
    case 'Whitespace':
      return found(`[${WORD}]+|[^${WORD}${SPACE}]+`);
    case 'Digits':
      return isolated(part['individual_digits'] === true ? '\\p{N}' : '\\p{N}+');
    case 'Punctuation':
      return punctuation((part['behavior'] as string | undefined) ?? 'Isolated');
    case 'Split':
      return split(part as unknown as Split);
    case 'Metaspace':
      return metaspace(part);
    default:
      return refuse(`pre_tokenizer “${part.type}”`);
  }
}

const putsFirst = (part: Part): boolean =>
  part.type === 'Metaspace'
    ? part['prepend_scheme'] === 'first'
    : part.type === 'Sequence' && (part['pretokenizers'] as readonly Part[]).some(putsFirst);

function punctuation(behavior: string): Part {
  switch (behavior) {
    case 'Isolated':
      return isolated(`[${PUNCTUATION}]`);
    case 'Contiguous':
      return isolated(`[${PUNCTUATION}]+`);
    case 'Removed':
      return found(`[^${PUNCTUATION}]+`);
    default:
      return refuse(`pre_tokenizer “Punctuation” with behavior “${behavior}”`);
  }
}

interface Split {
  readonly pattern: Pattern;
  readonly behavior: string;
  readonly invert: boolean;
}

function split({pattern, behavior, invert}: Split): Part {
  const regex = pattern.Regex ?? escaped(pattern.String ?? refuse('pre_tokenizer “Split” without a pattern'));
  if (behavior === 'Isolated') return isolated(regex);
  if (behavior === 'Removed' && invert) return found(regex);
  return refuse(`pre_tokenizer “Split” with behavior “${behavior}”${invert ? ', inverted' : ''}`);
}

function metaspace(part: Part): Part {
  const replacement = (part['replacement'] as string | undefined) ?? '\u2581';
  const marked: Part = {type: 'Metaspace', replacement, prepend_scheme: prependScheme(part)};
  if (part['split'] === false) return marked;
  const mark = escaped(replacement);
  return {type: 'Sequence', pretokenizers: [marked, isolated(`${mark}[^${mark}]*`)]};
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|&-]/g, (character) => `\\${character}`);

/** The vocabulary with what a text is cut into. */
interface ModelPart extends Part {
  readonly vocab: Readonly<Record<string, number>>;
}

/** @throws {UnknownPart} */
export function exactModel(part: Part): ModelPart {
  const type = (part.type as string | undefined) ?? ('merges' in part ? 'BPE' : 'without a type');
  const vocab = part['vocab'] as Readonly<Record<string, number>>;
  const unknown = part['unk_token'];
  if (typeof unknown === 'string' && !(unknown in vocab) && type !== 'BPE')
    refuse(`unk_token “${unknown}”, which is not in the vocabulary,`);
  switch (type) {
    case 'WordLevel':
      return {...part, type, vocab};
    case 'BPE': {
      if (typeof part['dropout'] === 'number' && part['dropout'] > 0) refuse(`a dropout of ${part['dropout']}`);
      for (const field of ['continuing_subword_prefix', 'end_of_word_suffix']) {
        if (typeof part[field] === 'string' && part[field] !== '') refuse(`${field} “${part[field]}”`);
      }
      requireMerges(part['merges'] as readonly (string | readonly string[])[], vocab);
      return {...part, type, vocab};
    }
    default:
      return refuse(`model “${type}”`);
  }
}

/** A merge of or into what is no token is refused by the reference, too. */
function requireMerges(merges: readonly (string | readonly string[])[], vocab: Readonly<Record<string, number>>): void {
  for (const merge of merges) {
    const [left, right, ...more] = typeof merge === 'string' ? merge.split(' ') : merge;
    if (left === undefined || right === undefined || more.length > 0) refuse(`the merge “${String(merge)}”`);
    const odd = [left!, right!, left! + right!].find((token) => !Object.hasOwn(vocab, token));
    if (odd !== undefined) refuse(`the merge “${left} ${right}” of which “${odd}” is not in the vocabulary`);
  }
}

/** What is put around every text: ids before it and behind it. */
export interface Around {
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

const NOTHING: Around = {before: [], behind: []};

/** @throws {UnknownPart} */
export function aroundOf(part: Part | null): Around {
  if (part === null) return NOTHING;
  switch (part.type) {
    case 'ByteLevel':
      return NOTHING;
    case 'Sequence':
      return (part['processors'] as readonly Part[])
        .map(aroundOf)
        .reduce(
          (inner, outer) => ({before: [...outer.before, ...inner.before], behind: [...inner.behind, ...outer.behind]}),
          NOTHING,
        );
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const [cls, sep] = [part['cls'], part['sep']] as readonly (readonly [string, number])[];
      return {before: [cls![1]], behind: [sep![1]]};
    }
    case 'TemplateProcessing':
      return template(part as unknown as TemplatePart);
    default:
      return refuse(`post_processor “${part.type}”`);
  }
}

interface TemplatePart {
  readonly single: readonly {
    readonly SpecialToken?: {readonly id: string};
    readonly Sequence?: {readonly id: string};
  }[];
  readonly special_tokens: Readonly<Record<string, {readonly ids: readonly number[]}>>;
}

function template({single, special_tokens: tokens}: TemplatePart): Around {
  const texts = single.filter(({Sequence: sequence}) => sequence !== undefined);
  if (texts.length !== 1) refuse(`post_processor “TemplateProcessing” with the text ${texts.length} times`);
  const at = single.indexOf(texts[0]!);
  const idsOf = (items: typeof single): number[] =>
    items.flatMap(({SpecialToken: special}) => [
      ...(tokens[special!.id]?.ids ?? refuse(`post_processor “TemplateProcessing” without ids of “${special!.id}”`)),
    ]);
  return {before: idsOf(single.slice(0, at)), behind: idsOf(single.slice(at + 1))};
}
