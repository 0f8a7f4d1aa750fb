import assert from 'node:assert/strict';
import {PassThrough} from 'node:stream';
import {test} from 'node:test';
import {stripVTControlCharacters} from 'node:util';
import {terminalServices} from '../../../bin/terminal/terminal.js';
import {recipeFile, until} from '../../rig/command.js';
import {onTerminal} from '../../rig/pty.js';
import {temporaryFolder} from '../../rig/temporary.js';

test('nothing is coloured on a pipe, whatever the environment says of colours', () => {
  // As in CI, where picocolors takes a pipe for coloured unless it is told otherwise.
  const before = process.env['CI'];
  process.env['CI'] = 'true';
  try {
    const pipe = new PassThrough() as unknown as NodeJS.WriteStream;
    assert.equal(terminalServices({out: pipe, err: pipe}).colours, false);
  } finally {
    if (before === undefined) delete process.env['CI'];
    else process.env['CI'] = before;
  }
});

test('where nothing can be drawn over, progress is said every 15 seconds until it ends', (t) => {
  const pipe = new PassThrough();
  const services = terminalServices({out: pipe, err: pipe} as unknown as Parameters<typeof terminalServices>[0]);
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const said = (): string => ((pipe.read() as Buffer | null) ?? '').toString();
  services.progress('1 of 9');
  assert.equal(said(), '');
  now += 14_000;
  services.progress('2 of 9');
  assert.equal(said(), '');
  now += 1_000;
  services.progress('3 of 9');
  services.progress('4 of 9');
  assert.equal(said(), '3 of 9\n');
  services.progress(undefined);
  now += 60_000;
  services.progress('1 of 3');
  assert.equal(said(), '');
});

const ERASE = /\r\x1b\[(\d+)A\x1b\[0J/g;
const plain = (text: string): string => stripVTControlCharacters(text.replaceAll(ERASE, ''));

test('a terminal that is made narrower has broken the progress line anew: all of its rows are erased', async (t) => {
  const cwd = temporaryFolder(t);
  const words = ['run', recipeFile('counting'), '--set', 'second.steps=100000'];
  const terminal = onTerminal(t, words, {cwd, columns: 100});
  await until('second is at it', () => /step [1-9]\d* of 100000/.test(terminal.seen()));
  const before = terminal.seen().length;
  terminal.resize(20, 24);
  const after = await until('it was drawn again', () => {
    const seen = terminal.seen().slice(before);
    return [...seen.matchAll(ERASE)].some(([, rows]) => Number(rows) >= 3) ? seen : undefined;
  });
  assert.ok(after.length > 0);
  const drawn = await until('lines are short', () => {
    const lines = plain(terminal.seen().slice(before + after.length))
      .split('\r\n')
      .slice(1, -1);
    return lines.length > 3 ? lines : undefined;
  });
  for (const line of drawn) assert.ok(line.length < 20, line);
  terminal.type('\x03');
  assert.equal(await terminal.ended, 130);
  // The echo of Ctrl-C has moved the cursor, so the way back begins at the edge.
  assert.doesNotMatch(terminal.seen(), /[^\r]\x1b\[\d+A/);
  assert.match(terminal.seen(), /stopping: stages write a checkpoint/);
});

test('a terminal that can do nothing gets plain lines', async (t) => {
  const cwd = temporaryFolder(t);
  const terminal = onTerminal(t, ['run', recipeFile('counting')], {cwd, env: {TERM: 'dumb'}});
  assert.equal(await terminal.ended, 0);
  assert.doesNotMatch(terminal.seen(), /\x1b/);
  assert.match(terminal.seen(), /^third +done in/m);
});

test('a terminal of no size, as a new one has, is drawn on like a usual one', async (t) => {
  const cwd = temporaryFolder(t);
  const terminal = onTerminal(t, ['run', recipeFile('counting')], {cwd, columns: 0, rows: 0});
  assert.equal(await terminal.ended, 0);
  assert.match(plain(terminal.seen()), /second +step \d+ of 40 {2}loss/);
});
