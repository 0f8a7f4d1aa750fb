/** A graph as a tree of lines: what was drawn once is only named the second time. Knows nothing of what the nodes are. */
import {oneLine} from '../terminal/paint.js';

export interface Branch<Id> {
  readonly id: Id;
  readonly text: string;
  /** In the place of `text`, for one that takes several lines: what fits into so many places. */
  readonly lines?: (room: number) => readonly string[];
}

export interface TreeOptions<Id> {
  /** What hangs below a node. */
  readonly below: (id: Id) => readonly Branch<Id>[];
  /** Said below a node that has more than is drawn. */
  readonly more: (id: Id) => string | undefined;
  /** Said behind a node whose branches were drawn before. */
  readonly again: string;
  /** Places that there are for `lines`. */
  readonly width?: number;
}

/** Depth first, without recursion: a chain may be longer than the stack is deep. */
export function treeLines<Id>(
  root: Branch<Id>,
  {below, more, again, width = Infinity}: TreeOptions<Id>,
): readonly string[] {
  const lines: string[] = [];
  const drawn = new Set<Id>();
  interface Waiting {
    readonly branch: Branch<Id> | undefined;
    readonly text: string;
    /** What stands before the line, and before the lines of what is below it. */
    readonly before: string;
    readonly beforeBelow: string;
  }
  const stack: Waiting[] = [{branch: root, text: root.text, before: '', beforeBelow: ''}];
  for (let line = stack.pop(); line !== undefined; line = stack.pop()) {
    const {branch, before, beforeBelow} = line;
    const [first = '', ...others] = branch?.lines?.(width - before.length) ?? [line.text];
    const text = oneLine(first);
    if (branch === undefined) {
      lines.push(before + text);
      continue;
    }
    const branches = below(branch.id);
    const rest = more(branch.id);
    const hasBelow = branches.length > 0 || rest !== undefined;
    if (drawn.has(branch.id)) {
      lines.push(before + text + (hasBelow ? again : ''));
      continue;
    }
    drawn.add(branch.id);
    lines.push(before + text, ...others.map((other) => beforeBelow + oneLine(other)));
    const children: {branch: Branch<Id> | undefined; text: string}[] = branches.map((child) => ({
      branch: child,
      text: child.text,
    }));
    if (rest !== undefined) children.push({branch: undefined, text: rest});
    for (const [index, child] of [...children.entries()].reverse()) {
      const last = index === children.length - 1;
      stack.push({
        ...child,
        before: beforeBelow + (last ? '└─ ' : '├─ '),
        beforeBelow: beforeBelow + (last ? '   ' : '│  '),
      });
    }
  }
  return lines;
}
