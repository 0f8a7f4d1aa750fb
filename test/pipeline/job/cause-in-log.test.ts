/** The line of a log that says why a program ended. */
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {causeInLog} from '../../../pipeline/job/cause-in-log.js';
import {temporaryFolder} from '../../rig/temporary.js';

test('the error that nobody caught says why, else the last line', (t) => {
  const log = join(temporaryFolder(t), 'output.log');
  const causeOf = (text: string): string | undefined => {
    writeFileSync(log, text);
    return causeInLog(log);
  };
  const python = (error: string): string =>
    `step 1\nTraceback (most recent call last):\n  File "train.py", line 3, in <module>\n    main()\n${error}\n`;
  assert.equal(causeOf(python('ValueError: batch is 0')), 'ValueError: batch is 0');
  assert.equal(causeOf(python('KeyboardInterrupt')), 'KeyboardInterrupt');
  assert.equal(
    causeOf(python('torch.cuda.OutOfMemoryError: CUDA out of memory.\nSee the documentation.')),
    'torch.cuda.OutOfMemoryError: CUDA out of memory.',
  );
  // torch.distributed.run says of itself only that a child failed.
  const launched = `${python('RuntimeError: shapes differ')}torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n====\ntrain.py FAILED\n====\n`;
  assert.equal(causeOf(launched), 'RuntimeError: shapes differ');
  const node = `file:///x.js:1\nthrow new TypeError('no')\n^\n\nTypeError: no\n    at file:///x.js:1:7\n\nNode.js v20.20.0\n`;
  assert.equal(causeOf(node), 'TypeError: no');
  assert.equal(
    causeOf(`Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x'\n    at y\n`),
    `Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x'`,
  );
  assert.equal(causeOf('loading\nmake: *** [all] Error 2\n\n'), 'make: *** [all] Error 2');
  assert.equal(causeOf('\u001b[31mout of paper\u001b[0m\n'), 'out of paper');
  assert.equal(causeOf(' 10 %\r 50 %\r100 % done\n'), '100 % done');
  assert.equal(causeOf('the Error: of words in a sentence\nlast\n'), 'last');
  assert.equal(causeOf(`${'x'.repeat(1000)}\n`)!.length, 301);
  assert.equal(
    causeInLog(log, {isKilled: true}),
    undefined,
    'what was printed before a signal came says nothing of it',
  );
  assert.equal(causeOf('\n \n'), undefined);
  assert.equal(causeInLog(join(log, 'nowhere')), undefined);
});
