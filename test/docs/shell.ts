/** Takes command lines apart as a shell would, as far as the papers write them: quotes, comments, pipes, redirections. */

export interface TypedCommand {
  readonly words: readonly string[];
  /** Variables set in front of it. */
  readonly environment: readonly string[];
}

const TOKEN = /\s+|#.*$|&&|[|;]|[<>]\s*\S+|"([^"]*)"|'([^']*)'|[^\s"'|;<>&]+/g;

/** The commands of a line; none for a blank line or a comment. */
export function commandsOf(line: string): TypedCommand[] {
  const commands: {words: string[]; environment: string[]}[] = [];
  let current: {words: string[]; environment: string[]} | undefined;
  let glued = false;
  let end = 0;
  for (const match of line.matchAll(TOKEN)) {
    if (match.index !== end) throw new Error(`cannot be read as a command line: ${line}`);
    const [token, double, single] = match;
    end = match.index + token.length;
    const word = double ?? single ?? token;
    if (/^(#|\s|[<>])/.test(token) && double === undefined && single === undefined) {
      // `a#b` is a word; a comment starts one.
      if (token.startsWith('#') && glued) current!.words.push(current!.words.pop()! + token);
      glued = false;
    } else if (/^(&&|[|;])$/.test(token)) {
      current = undefined;
      glued = false;
    } else {
      if (current === undefined) commands.push((current = {words: [], environment: []}));
      if (glued) current.words.push(current.words.pop()! + word);
      else if (current.words.length === 0 && /^[A-Z][A-Z0-9_]*=/.test(token)) current.environment.push(token);
      else current.words.push(word);
      glued = current.words.length > 0;
    }
  }
  if (end !== line.length) throw new Error(`cannot be read as a command line: ${line}`);
  return commands;
}
