/** A store that is not there: only what begins work makes one, whatever else is typed. */
import assert from 'node:assert/strict';
import {readdirSync} from 'node:fs';
import {test} from 'node:test';
import {r1} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

/** Begin work, or look ahead to it, or look at the machine. */
const NEED_NONE = ['run', 'plan', 'doctor', 'help'];

/** What stands behind the name of a command, where one word is not enough. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  log: ['node'],
  why: ['node'],
  reproduce: ['node'],
  lineage: ['node'],
  show: ['node'],
  metrics: ['node'],
  chat: ['node', 'question'],
  eval: ['node', '--prompts', 'prompts.jsonl'],
  diff: ['1', '2'],
  export: ['node', 'target'],
  trace: ['node'],
  tag: ['name', 'node'],
  untag: ['name'],
  pin: ['node'],
  unpin: ['node'],
};

test('no command that does not begin work makes a store', async (t) => {
  const cwd = temporaryFolder(t, {'prompts.jsonl': '{"question": "a", "answer": "1"}\n'});
  const help = await r1(t, ['--help'], {cwd});
  const names = [...help.out.matchAll(/^ {2}([a-z][a-z-]*)(?= .*$)/gm)].map(([, name]) => name!);
  const commands = [...new Set(names)].filter((name) => name !== 'r1' && !NEED_NONE.includes(name));
  assert.ok(commands.includes('resume') && commands.length > 20, commands.join(' '));
  for (const command of commands) {
    const {code, err} = await r1(t, [command, ...(WORDS[command] ?? []), '--store', 'typo'], {cwd});
    assert.deepEqual([code, readdirSync(cwd)], [2, ['prompts.jsonl']], `${command}: ${err}`);
    assert.match(err, /there is no store at .*typo/, command);
  }
});
