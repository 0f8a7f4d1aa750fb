/** The whole command line as a commander program that parses and does nothing else. */
import {readdirSync} from 'node:fs';
import {Command} from 'commander';
import type {Services} from '../../bin/cli-context.js';

const FOLDER = new URL('../../bin/commands/', import.meta.url);

const unused = (): never => {
  throw new Error('Internal error: a command did something while it was only to be parsed');
};

const services: Services = {
  openStore: unused,
  say: unused,
  stream: unused,
  long: unused,
  complain: unused,
  progress: unused,
  width: 100,
  isTerminal: false,
  progressWidth: 100,
  colours: false,
  exit: unused,
};

/** What every module of bin/commands/ exports as a command. */
export async function allCommands(): Promise<Command[]> {
  const commands: Command[] = [];
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.js'))) {
    const module = (await import(new URL(file, FOLDER).href)) as Record<string, unknown>;
    for (const [name, make] of Object.entries(module)) {
      if (name.endsWith('Command') && typeof make === 'function')
        commands.push((make as (given: Services) => Command)(services));
    }
  }
  return commands;
}

export interface Parsed {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** Parses what is typed behind `r1`. @throws an error in commander's words */
export async function parse(words: readonly string[]): Promise<Parsed> {
  let parsed: Parsed | undefined;
  let said = '';
  const program = new Command('r1').version('0').exitOverride();
  program.configureOutput({writeOut: () => undefined, writeErr: (text) => (said += text)});
  for (const command of await allCommands()) {
    command.copyInheritedSettings(program).action(() => {
      parsed = {command: command.name(), args: command.args, options: command.opts()};
    });
    program.addCommand(command);
  }
  try {
    await program.parseAsync([...words], {from: 'user'});
  } catch (error) {
    throw new Error(`r1 ${words.join(' ')}: ${said === '' ? String(error) : said.trim()}`, {cause: error});
  }
  if (parsed === undefined) throw new Error(`r1 ${words.join(' ')}: no command was reached`);
  return parsed;
}
