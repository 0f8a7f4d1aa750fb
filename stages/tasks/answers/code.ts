/**
 * Answers that are programs: the last fenced block of the answer that is tagged `python`, `py` or `python3`, or, where none is,
 * the last that has no tag. Blocks of other languages are looked through. A fence that is never closed is no block, and where it
 * would be the last of Python, the response was cut off in the middle of its program: then there is none.
 */
import {finalAnswer, type Completion} from '../../text/completion.js';
import type {AnswerKind} from '../task.js';

const PYTHON = ['python', 'py', 'python3'];

interface Block {
  readonly language: string;
  readonly code: string;
  readonly isClosed: boolean;
}

/** Fenced blocks as CommonMark has them (https://spec.commonmark.org/0.31.2/#fenced-code-blocks), but nowhere nested. */
export function fencedBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let open: {readonly fence: string; readonly indent: number; readonly language: string; lines: string[]} | undefined;
  const close = (isClosed: boolean): void => {
    if (open !== undefined) blocks.push({language: open.language, code: `${open.lines.join('\n')}\n`, isClosed});
    open = undefined;
  };
  for (const line of text.split(/\r?\n/)) {
    if (open === undefined) {
      const match = /^( {0,3})(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$/.exec(line);
      if (match === null) continue;
      const [, indent = '', fence = '', language = ''] = match;
      open = {fence, indent: indent.length, language: language.toLowerCase(), lines: []};
    } else if (isEnd(line, open.fence)) {
      close(true);
    } else {
      open.lines.push(line.replace(new RegExp(`^ {0,${open.indent}}`), ''));
    }
  }
  close(false);
  return blocks;
}

const isEnd = (line: string, fence: string): boolean => {
  const mark = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
  return mark !== undefined && mark[0] === fence[0] && mark.length >= fence.length;
};

/** The program of a completion; `undefined` where it has none. */
export function programOf(completion: Completion): string | undefined {
  const blocks = fencedBlocks(finalAnswer(completion));
  const block =
    blocks.findLast(({language}) => PYTHON.includes(language)) ?? blocks.findLast(({language}) => language === '');
  return block?.isClosed === true && block.code.trim() !== '' ? block.code : undefined;
}

export const code: AnswerKind = {
  external: 'code',
  read: programOf,
  // A program that solves the problem, where the data has one: the tests decide, not the text.
  reference: (text) => text,
};
