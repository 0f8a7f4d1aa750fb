/** What the command line says that can be done about an error. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {UserError, digestOf} from '../../../artifacts/index.js';
import type {Remedy} from '../../../artifacts/index.js';
import {hintOf} from '../../../bin/render/hints.js';
import {jsonView, textView} from '../../../bin/render/live.js';
import type {RunEvent} from '../../../pipeline/index.js';
import {outcomeIn, outcomeJson, storeFailed} from '../../../pipeline/outcome.js';

const artifact = digestOf('artifact', 1);

const SAID: readonly (readonly [Remedy, string])[] = [
  [{type: 'choose-folder'}, 'give another folder with --store FOLDER'],
  [{type: 'choose-folder', or: 'update r1'}, 'update r1, or give another folder with --store FOLDER'],
  [{type: 'use-store-around', store: '/a'}, 'use that one, --store /a, or give a folder of its own'],
  [{type: 'make-store'}, '`r1 run` makes one; --store FOLDER names another'],
  [{type: 'restore-database'}, 'restore store.db from a copy, or start a new store with --store FOLDER'],
  [
    {type: 'make-again', artifact},
    `\`r1 show @${artifact.slice(0, 8)}\` says what made it; running that again brings them back`,
  ],
  [
    {type: 'free-space', maybe: true},
    'is the disk full? free some space (`r1 gc --dry-run` shows what the store could give) and run it again',
  ],
  [{type: 'list-runs'}, '`r1 runs` lists them'],
  [{type: 'list-runs', newest: 7}, '`r1 runs` lists them; the newest is 7'],
  [{type: 'list-nodes', run: 3}, 'r1 status 3 lists its nodes'],
  [{type: 'choose-dataset', datasets: ['a:rows', 'b:rows']}, 'say which: --in a:rows, --in b:rows'],
  [{type: 'end-processes', node: 'zero', run: 3}, 'end what zero starts before it ends, then r1 resume 3'],
  [{type: 'set-source', node: 'corpus'}, '--source corpus=PATH sets where it is'],
  [
    {type: 'trust-recipe', recipe: 'mine', file: 'mine.ts', typed: 'r1 resume 1'},
    'r1 resume 1 --recipe PATH/mine.ts\nnames the file of the recipe “mine” that you trust (pipeline/README.md, “What is trusted”)',
  ],
];

test('what can be done is said with commands and options', () => {
  for (const [remedy, text] of SAID) assert.equal(hintOf(new UserError('not-found', 'no', {remedy})), text);
});

test('a hint of the library stands as it is, below what the command line says', () => {
  assert.equal(hintOf(new UserError('not-found', 'no')), undefined);
  assert.equal(hintOf(new UserError('not-found', 'no', {hint: 'look closer'})), 'look closer');
  assert.equal(
    hintOf(new UserError('bytes-damaged', 'no', {remedy: {type: 'list-pins'}, hint: 'left behind: a'})),
    '`r1 pin` lists what is\nleft behind: a',
  );
});

const FAILED: RunEvent = {
  type: 'node-failed',
  node: 'zero',
  outcome: storeFailed(new UserError('disk-full', 'the disk is full', {remedy: {type: 'free-space'}})),
};
const WARNING: RunEvent = {type: 'warning', text: 'it is not used', remedy: {type: 'accept-checkpoint'}};

test('events are printed with hints in words, as lines and as JSON', () => {
  const said: string[] = [];
  const complained: string[] = [];
  const services = {
    say: (text: string) => void said.push(text),
    complain: (text: string) => void complained.push(text),
    progress: () => undefined,
    colours: false,
    width: 80,
  };
  for (const event of [FAILED, WARNING]) {
    jsonView(services).show(event);
    textView(services as never, false).show(event);
  }
  const hint = 'free some space (`r1 gc --dry-run` shows what the store could give) and run it again';
  const warning = 'it is not used; --accept-checkpoint continues from it anyway';
  assert.deepEqual(
    said.map((line) => JSON.parse(line) as unknown),
    [
      {type: 'node-failed', node: 'zero', outcome: {reason: 'store-failed', message: 'the disk is full', hint}},
      {type: 'warning', text: warning},
    ],
  );
  assert.equal(complained.at(-2)?.trim(), `next: ${hint}`);
  assert.equal(complained.at(-1), warning);
});

test('what could be done then is not recorded, and what a store says of it is not believed', () => {
  const recorded = {reason: 'store-failed', message: 'the disk is full'};
  assert.deepEqual(outcomeJson(FAILED.outcome), recorded);
  assert.deepEqual(outcomeIn({...recorded, remedy: {type: 'none of ours'}}), recorded);
});
