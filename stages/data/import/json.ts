/**
 * JSON as RFC 8259 has it, with three differences to `JSON.parse`: numbers keep the digits as they are written, a field that is
 * there twice and half a surrogate pair are mistakes, and a mistake is told in words with its place.
 */
import {WrittenNumber, emptyFields} from './values.js';
import type {Value} from './values.js';

/** What is wrong, and where in the text, counted in UTF-16 units from 0. */
export class JsonMistake extends Error {
  override readonly name = 'JsonMistake';
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/** Lists and records within each other, beyond which a text is refused rather than the stack used up. */
const DEEPEST = 512;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
/** What stands in the place of a value: up to whatever could end it. */
const WORD = /[^\s,:[\]{}"]{1,40}/y;
const SPACE = /[ \t\n\r]*/y;
const LONE = /\p{Surrogate}/u;

/** The one value of a text. @throws {JsonMistake} */
export function parseJson(text: string): Value {
  let at = 0;
  const fail = (message: string, offset = at): never => {
    throw new JsonMistake(message, offset);
  };
  const skip = (): void => {
    const unit = text.charCodeAt(at);
    if (unit > 32) {
      if (unit === 47 && (text[at + 1] === '/' || text[at + 1] === '*')) fail('there is a comment, and JSON has none');
      return;
    }
    SPACE.lastIndex = at;
    SPACE.test(text);
    if (SPACE.lastIndex === at && at < text.length) return;
    at = SPACE.lastIndex;
    if (text.charCodeAt(at) === 47) skip();
  };

  const string = (): string => {
    const from = at;
    let escaped = false;
    for (at += 1; ; at++) {
      const unit = text.charCodeAt(at);
      if (unit === 34) break;
      if (unit === 92) {
        escaped = true;
        at += 1;
      } else if (unit < 32) {
        fail(
          unit === 10 || unit === 13
            ? 'a line ends in the middle of a text in quotation marks'
            : `there is a raw U+${unit.toString(16).toUpperCase().padStart(4, '0')} in a text; JSON writes it as an escape`,
        );
      } else if (Number.isNaN(unit)) fail('it ends in the middle of a text in quotation marks', from);
    }
    at += 1;
    if (!escaped) return text.slice(from + 1, at - 1);
    const quoted = text.slice(from, at);
    let said: string;
    try {
      said = JSON.parse(quoted) as string;
    } catch {
      const wrong = /(?<!\\)(?:\\\\)*(\\(?:u(?![0-9a-fA-F]{4}).{0,4}|[^"\\/bfnrtu]))/su.exec(quoted);
      return fail(`“${wrong?.[1] ?? quoted.slice(0, 20)}” is no escape of JSON`, from + (wrong?.index ?? 0));
    }
    const lone = LONE.exec(said);
    if (lone !== null) {
      const code = said.charCodeAt(lone.index).toString(16);
      fail(`\\u${code} is half of a character: the other half of the pair is missing`, from);
    }
    return said;
  };

  const value = (depth: number): Value => {
    if (depth > DEEPEST) fail(`lists and records lie in each other more than ${DEEPEST} deep`);
    switch (text[at]) {
      case '"':
        return string();
      case '{':
        return record(depth);
      case '[':
        return list(depth);
      default:
        return word();
    }
  };

  const word = (): Value => {
    NUMBER.lastIndex = at;
    if (NUMBER.test(text)) {
      const end = NUMBER.lastIndex;
      const next = text.charCodeAt(end);
      // `NaN` behind the end, which compares as false.
      if (!(next > 32) || next === 44 || next === 93 || next === 125) {
        const digits = text.slice(at, end);
        at = end;
        return new WrittenNumber(digits);
      }
    }
    WORD.lastIndex = at;
    const found = WORD.exec(text)?.[0] ?? '';
    const known = found === 'true' || found === 'false' || found === 'null';
    if (known) {
      at += found.length;
      return found === 'null' ? null : found === 'true';
    }
    if (at >= text.length) return fail('it ends where a value should be');
    if (found === '') return fail(`“${text[at]!}” stands where a value should be`);
    if (found.startsWith("'")) return fail('a text stands between single quotation marks; JSON wants double ones');
    if (/^[-+]?[\d.]/.test(found)) return fail(`“${found}” is no number of JSON; write it as a text`);
    return fail(`“${found}” is no value of JSON${/^-?(NaN|Infinity)$/.test(found) ? '; write null, or a text' : ''}`);
  };

  const record = (depth: number): Value => {
    const fields = emptyFields();
    const from = at;
    at += 1;
    skip();
    if (text[at] === '}') {
      at += 1;
      return fields;
    }
    for (;;) {
      if (text[at] !== '"') {
        if (at >= text.length) fail('it ends in the middle of a record', from);
        if (text[at] === '}') fail('there is a comma in front of }');
        fail(`“${text[at]!}” stands where the name of a field should be, in double quotation marks`);
      }
      const nameAt = at;
      const name = string();
      if (Object.hasOwn(fields, name)) fail(`the field “${name}” is there twice in one record`, nameAt);
      skip();
      if (text[at] !== ':')
        fail(at >= text.length ? 'it ends in the middle of a record' : `a colon is missing behind “${name}”`);
      at += 1;
      skip();
      fields[name] = value(depth + 1);
      skip();
      const next = text[at];
      at += 1;
      if (next === '}') return fields;
      if (next !== ',') {
        at -= 1;
        fail(
          next === undefined
            ? 'it ends in the middle of a record'
            : `a comma or } is missing in front of “${text.slice(at, at + 10)}”`,
        );
      }
      skip();
    }
  };

  const list = (depth: number): Value => {
    const values: Value[] = [];
    at += 1;
    skip();
    if (text[at] === ']') {
      at += 1;
      return values;
    }
    for (;;) {
      if (text[at] === ']') fail('there is a comma in front of ]');
      values.push(value(depth + 1));
      skip();
      const next = text[at];
      at += 1;
      if (next === ']') return values;
      if (next !== ',') {
        at -= 1;
        fail(
          next === undefined
            ? 'it ends in the middle of a list'
            : `a comma or ] is missing in front of “${text.slice(at, at + 10)}”`,
        );
      }
      skip();
    }
  };

  skip();
  const found = value(0);
  skip();
  if (at < text.length) {
    const rest = text.slice(at, at + 20);
    fail(
      rest.startsWith('{')
        ? 'two records stand in one line'
        : rest.startsWith(',')
          ? 'there is a comma behind the record'
          : `“${rest}” stands behind the value`,
    );
  }
  return found;
}
