/** Runs a command without a process: what it said, and what it ended with. */
import type {Command} from 'commander';
import {CommanderError} from 'commander';
import {UserError, openStore} from '../../artifacts/index.js';
import type {Services} from '../../bin/cli-context.js';
import {hintOf} from '../../bin/render/hints.js';

export interface Spoken {
  readonly out: string;
  readonly err: string;
  /** As `r1` would end: 2 for a UserError or wrong usage. */
  readonly code: number;
}

/** `words` as typed behind the command's name; `--store` is added. `width` is that of the terminal, if it is one. */
export async function spoken(
  make: (services: Services) => Command,
  store: string,
  words: readonly string[],
  {width = 100, isTerminal = false}: {readonly width?: number; readonly isTerminal?: boolean} = {},
): Promise<Spoken> {
  const out: string[] = [];
  const err: string[] = [];
  let code = 0;
  const services: Services = {
    openStore: (folder, options) => openStore(folder ?? store, options),
    say: (text) => void out.push(text),
    stream: (piece) => void out.push(piece),
    async long(work) {
      let all = '';
      await work(async (text) => {
        all += text;
        return true;
      });
      out.push(all.replace(/\n$/, ''));
    },
    complain: (text) => void err.push(text),
    progress: () => undefined,
    width,
    isTerminal,
    progressWidth: 100,
    colours: false,
    exit: (value) => {
      code = value;
    },
  };
  const command = make(services)
    .exitOverride()
    .configureOutput({writeOut: (text) => void out.push(text), writeErr: (text) => void err.push(text)});
  try {
    await command.parseAsync([...words], {from: 'user'});
  } catch (error) {
    if (error instanceof UserError) {
      err.push(`${error.message}\n${hintOf(error) ?? ''}`);
      code = 2;
    } else if (error instanceof CommanderError) {
      code = error.exitCode === 0 ? 0 : 2;
    } else {
      throw error;
    }
  }
  return {out: out.join('\n'), err: err.join('\n'), code};
}
