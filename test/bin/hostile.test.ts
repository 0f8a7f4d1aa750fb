/** What somebody else wrote reaches a terminal as symbols, through every command, and a pipe as it is. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import {createColors, forTerminal, oneLine, withoutColors} from '../../bin/terminal/paint.js';
import {r1, recipeFile} from '../rig/command.js';
import {onTerminal} from '../rig/pty.js';
import {temporaryFolder} from '../rig/temporary.js';

/** Colors that are ours, and how the block of progress lines is drawn over. */
const OURS = /\x1b\[(?:1|2|22|31|32|33|36|39)m|\r\x1b\[\d+A\x1b\[0J/g;
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

/** What the terminal got, without what is ours; a terminal puts a return before each line break itself. */
const foreign = (seen: string): string => seen.replaceAll('\r\n', '\n').replaceAll(OURS, '');

test('controls, C1, and what reorders or hides become symbols; scripts, emoji and line breaks stay', () => {
  const text = '\x1b[31m\x9b\x7f\r\u202e\u2028\u200b\ufeff\u{e0041}';
  assert.equal(forTerminal(text, true), '␛[31m<U+009B>␡␍<U+202E><U+2028><U+200B><U+FEFF><U+E0041>');
  const kept = 'café\n\t日本 👩\u200d💻 ❤\ufe0f می\u200cخواهم';
  assert.equal(forTerminal(kept, true), kept);
  assert.equal(oneLine('a\nb\tc'), 'a␊b␉c');
});

test('our own colors pass, where there are any, and nobody can write them', () => {
  const {red, bold} = createColors(true);
  const text = `${bold('name')} ${red('\x1b[31mfailed\x1b[39m')}`;
  assert.equal(forTerminal(text, true), '\x1b[1mname\x1b[22m \x1b[31m␛[31mfailed␛[39m\x1b[39m');
  assert.equal(forTerminal(text, false), 'name ␛[31mfailed␛[39m');
  assert.equal(withoutColors(text), 'name \x1b[31mfailed\x1b[39m');
});

test('a hostile stage through the live view and every command that shows something of it', async (t) => {
  const cwd = temporaryFolder(t);
  const run = onTerminal(t, ['run', recipeFile('hostile')], {cwd});
  assert.equal(await run.ended, 1, run.seen());
  assert.match(run.seen(), /thrown ␛\]0;title␇/);
  assert.doesNotMatch(foreign(run.seen()), OBEYED);
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  const {attempt} = store.nodesOf(store.latestRun()!.id).find(({node}) => node === 'good')!;
  const digest = store.attempt(attempt!)!.outputs[0]!.artifact;
  store.close();
  const commands = [
    ['status'],
    ['status', '--json'],
    ['log', 'bad'],
    ['why', 'bad'],
    ['why', 'bad', '--json'],
    ['plan', recipeFile('hostile')],
    ['runs'],
    ['show', 'good'],
    ['show', 'good', '--json'],
    ['lineage', 'good'],
    ['metrics', 'good'],
    ['metrics', 'good', '--json'],
    ['metrics', 'good', '--csv'],
    ['trace', 'row'],
    ['trace', 'row', '--json'],
    ['cost'],
    ['diff', 'good:out', `@${digest}`],
    ['export-lineage', '--format', 'prov'],
    ['export-lineage', '--format', 'dot'],
    ['export-lineage', '--format', 'json'],
    ['resume'],
    ['verify'],
    ['gc', '--dry-run'],
    ['show', '\x1b[2Jnobody\u202e'],
    ['\x1b[2Jnothing'],
    ['run', '--set', 'good.\x1b[2J=1', recipeFile('hostile')],
  ];
  for (const words of commands) {
    const terminal = onTerminal(t, words, {cwd, columns: 200});
    await terminal.ended;
    assert.ok(terminal.seen().trim() !== '', `${words.join(' ')} shows something`);
    assert.doesNotMatch(foreign(terminal.seen()), OBEYED, words.join(' '));
  }
});

test('a pipe gets what was written as it was written', async (t) => {
  const cwd = temporaryFolder(t);
  await r1(t, ['run', recipeFile('hostile')], {cwd});
  const {out} = await r1(t, ['log', 'good'], {cwd});
  assert.match(out, /^log \x1b\]0;title\x07/);
  const colored = await r1(t, ['status'], {cwd, env: {FORCE_COLOR: '1'}});
  assert.match(colored.out, /\x1b\[31mfailed/, 'who asks for colors gets them, for a pager');
  assert.doesNotMatch(foreign(colored.out), OBEYED, 'and nothing else that a terminal would obey');
});

test('a name that is too long for a line is cut in the views, and takes no room from the others', async (t) => {
  const cwd = temporaryFolder(t);
  await r1(t, ['run', recipeFile('hostile')], {cwd});
  const {nameCell, nameColumn, widthOf} = await import('../../bin/terminal/columns.js');
  const names = ['short', 'x'.repeat(10_000), '日本'];
  const wide = nameColumn(names, 4);
  assert.equal(wide, 40);
  for (const name of names) assert.equal(widthOf(nameCell(name, wide)), 40);
});
