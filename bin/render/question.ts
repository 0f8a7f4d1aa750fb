/** One question with a response of each of two models. */
import type {AskedQuestion, Response} from '../access/question.js';
import {clip, widthOf} from '../terminal/columns.js';
import {oneLine} from '../terminal/paint.js';

export interface QuestionOptions {
  readonly width: number;
  /** What the two are called. */
  readonly names: readonly [string, string];
}

/** Lines of one text that are shown. */
const MOST_LINES = 8;

export function questionText(
  {prompt, question, answer, baseline, other}: AskedQuestion,
  {width, names}: QuestionOptions,
): string {
  const [one, two] = [baseline, other].map((response, index) => [
    `  ${names[index]!}: ${rightText(response)}; sample ${response.sample}, ${response.outcome}:`,
    ...indented(response.text, width),
  ]);
  return [
    oneLine(prompt),
    ...(question === undefined ? ['  the prompts are no longer in the store'] : indented(question, width, '  ')),
    ...(answer === undefined ? [] : [clip(oneLine(`  answer: ${answer}`), width)]),
    ...one!,
    ...two!,
  ].join('\n');
}

const rightText = ({right, of}: Response): string => `right in ${right} of ${of}`;

/** A text of anybody's in lines that fit, no more than `MOST_LINES` of them. */
function indented(text: string, width: number, indent = '    '): readonly string[] {
  const lines =
    text.trim() === ''
      ? ['(nothing)']
      : text.split('\n').flatMap((line) => wrapped(oneLine(line), width - indent.length));
  const shown =
    lines.length > MOST_LINES
      ? [...lines.slice(0, MOST_LINES - 1), `… and ${lines.length - MOST_LINES + 1} more lines`]
      : lines;
  return shown.map((line) => `${indent}${line}`);
}

/** Broken at blanks, and within words that are wider than a line. */
function wrapped(line: string, width: number): readonly string[] {
  const most = Math.max(10, width);
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (widthOf(longer) <= most) {
      current = longer;
      continue;
    }
    if (current !== '') lines.push(current);
    current = word;
    while (widthOf(current) > most) {
      const piece = clip(current, most).slice(0, -1);
      lines.push(piece);
      current = current.slice(piece.length);
    }
  }
  return [...lines, current];
}
