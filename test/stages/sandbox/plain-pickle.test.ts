/** Pickles of others: plain texts are read, and whatever a pickle names is never looked up. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {deflateSync} from 'node:zlib';
import {openPickleReader} from '../../../stages/sandbox/plain-pickle.js';
import {opened} from '../../rig/python-sandbox.js';
import {temporaryFolder} from '../../rig/temporary.js';

const packed = (pickle: string | Buffer): string => deflateSync(pickle).toString('base64');

/** What Python's pickle makes of an expression. */
const pickled = (expression: string, protocol = 4): string =>
  packed(
    execFileSync(
      'python3',
      [
        ...['-I', '-c'],
        `import pickle, sys, os, collections; sys.stdout.buffer.write(pickle.dumps(${expression}, ${protocol}))`,
      ],
      {maxBuffer: 2 ** 25},
    ),
  );

test('a text comes out as it was, in every protocol', {skip: opened.skip}, async () => {
  const reader = await openPickleReader('bubblewrap');
  try {
    const text = '[{"input": "1\\n", "output": "ä✓😀", "testtype": "stdin"}]';
    const quoted = JSON.stringify(text);
    for (const protocol of [0, 1, 2, 3, 4, 5])
      assert.equal(await reader.read(pickled(quoted, protocol), 'row 1'), text);
    assert.equal((await reader.read(pickled('"x" * 3_000_000'), 'row 2')).length, 3_000_000);
  } finally {
    await reader.close();
  }
});

test('whatever else a pickle holds is refused, and nothing that it names is called', {skip: opened.skip}, async (t) => {
  const canary = join(temporaryFolder(t), 'called');
  const call = `cposix\nsystem\n(Vtouch ${canary}\ntR.`;
  const hostile: readonly (readonly [pickle: string, why: RegExp])[] = [
    [packed(call), /it names posix\.system, and plain data names nothing/],
    [packed(`c__builtin__\neval\n(V__import__('os').system('touch ${canary}')\ntR.`), /it names __builtin__\.eval/],
    // The same with INST, STACK_GLOBAL, and behind a text that is harmless.
    [packed(`(Vtouch ${canary}\niposix\nsystem\n.`), /it names posix\.system/],
    [packed(Buffer.from(`\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01x\x85R.`, 'latin1')), /it names posix\.system/],
    [packed(`Vharmless\n0${call}`), /it names posix\.system/],
    // An extension code, and an id of something outside.
    [packed(Buffer.from('\x80\x02\x82\x01.', 'latin1')), /unregistered extension code|names/],
    [packed('Pid\n.'), /it names something outside/],
    [pickled('collections.OrderedDict(a=1)'), /it names collections\.OrderedDict/],
    [pickled('["a", "list"]'), /it holds a list where a text should be/],
    [pickled('b"bytes"', 4), /it holds a bytes where a text should be/],
    [packed('not a pickle'), /Error: /],
    [packed(''), /EOFError/],
    ['no base64 !', /Error: /],
    [Buffer.from('not compressed').toString('base64'), /error: /],
    [deflateSync('Vtext\n.').subarray(0, 8).toString('base64'), /it is cut off/],
    // A memo at a place that would need the memory of the whole machine.
    [packed(Buffer.from('\x80\x02X\x01\x00\x00\x00ar\xff\xff\xff\x7f.', 'latin1')), /memory|Error/],
    // 300 MiB of zeros.
    [deflateSync(Buffer.alloc(300 * 2 ** 20), {level: 1}).toString('base64'), /larger than 256 MiB/],
  ];
  const reader = await openPickleReader('bubblewrap');
  try {
    for (const [place, [pickle, why]] of hostile.entries())
      await assert.rejects(reader.read(pickle, `row ${place}`), (error: Error) => {
        assert.match(
          error.message,
          new RegExp(`^row ${place}: its tests cannot be unpacked: .*(?:${why.source})`, 's'),
        );
        return true;
      });
    assert.equal(existsSync(canary), false);
    assert.equal(await reader.read(packed('Vstill here\n.'), 'last'), 'still here');
  } finally {
    await reader.close();
  }
});
