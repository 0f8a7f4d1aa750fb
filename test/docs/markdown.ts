/** Reads the documents of the project as far as their checks need it: fenced blocks, headings, links, inline code, tables. */

export interface Fence {
  /** The info string, e.g. `sh`. */
  readonly language: string;
  readonly lines: readonly string[];
  /** Line of the paper that the block's first line is on, counted from 1. */
  readonly line: number;
}

export interface Paper {
  readonly text: string;
  readonly fences: readonly Fence[];
  /** The lines outside of fenced blocks. */
  readonly prose: readonly string[];
}

export function readPaper(text: string): Paper {
  const fences: Fence[] = [];
  const prose: string[] = [];
  let open: {language: string; lines: string[]; line: number} | undefined;
  text.split('\n').forEach((line, index) => {
    const mark = /^```(\S*)/.exec(line);
    if (open !== undefined && mark !== null) {
      fences.push(open);
      open = undefined;
    } else if (open !== undefined) open.lines.push(line);
    else if (mark !== null) open = {language: mark[1]!, lines: [], line: index + 2};
    else prose.push(line);
  });
  if (open !== undefined) throw new Error(`a fenced block is not closed; it begins on line ${open.line - 1}`);
  return {text, fences, prose};
}

/** Anchors as hubs make them of headings. */
export const anchorsOf = ({prose}: Paper): string[] =>
  prose
    .map((line) => /^#+ (.*)$/.exec(line)?.[1])
    .filter((heading) => heading !== undefined)
    .map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

export const linksOf = ({prose}: Paper): string[] =>
  [...prose.join('\n').matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);

export const inlineCodeOf = ({prose}: Paper): string[] =>
  [...prose.join('\n').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);

/** Cells of all table rows, heads and rules left out. */
export const tableRowsOf = ({prose}: Paper): string[][] =>
  prose
    .filter(
      (line, index) => /^\|/.test(line) && !/^\|[-| ]+\|$/.test(line) && !/^\|[-| ]+\|$/.test(prose[index + 1] ?? ''),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

/** A drawn tree: two blanks a level, one name or several, then what it is. Folders end with a slash. */
export function pathsOfTree(lines: readonly string[]): string[] {
  const above: string[] = [];
  return lines.flatMap((line) => {
    const [, indent, names] = /^( *)(\S+(?: \S+)*)/.exec(line)!;
    const depth = indent!.length / 2;
    above.length = depth;
    const paths = names!.split(' ').map((name) => [...above, name].join(''));
    above.push(names!.split(' ').at(-1)!);
    return paths;
  });
}
