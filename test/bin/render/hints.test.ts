/** What the command line says that can be done about an error. */
import assert from 'node:assert/strict';
import path from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {UserError, digestOf} from '../../../artifacts/index.js';
import type {Remedy} from '../../../artifacts/index.js';
import {RECIPES} from '../../../bin/access/recipes.js';
import {hintOf} from '../../../bin/render/hints.js';
import {jsonView, textView} from '../../../bin/render/live.js';
import type {RunEvent} from '../../../pipeline/index.js';
import {allCommands} from '../../docs/program.js';
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
  [
    {type: 'list-params', node: 'zero-rl', recipe: fileURLToPath(RECIPES['tiny']!)},
    '`r1 params zero-rl` says what each param does and what it may be',
  ],
  [
    {type: 'list-params', node: 'zero-rl', recipe: fileURLToPath(RECIPES['smollm2']!), profile: 'gpu'},
    '`r1 params zero-rl --recipe smollm2 --profile gpu` says what each param does and what it may be',
  ],
  [
    {type: 'list-params', node: 'sort', recipe: path.resolve('my/sort.recipe.ts')},
    '`r1 params sort --recipe my/sort.recipe.ts` says what each param does and what it may be',
  ],
  [{type: 'choose-dataset', datasets: ['a:rows', 'b:rows']}, 'say which: --in a:rows, --in b:rows'],
  [{type: 'end-processes', node: 'zero', run: 3}, 'end what zero starts before it ends, then r1 resume 3'],
  [{type: 'set-source', node: 'corpus'}, '--source corpus=PATH sets where it is'],
  [
    {type: 'trust-recipe', recipe: 'mine', file: 'mine.ts', typed: 'r1 resume 1'},
    'r1 resume 1 --recipe PATH/mine.ts\nnames the file of the recipe “mine” that you trust (pipeline/README.md, “What is trusted”)',
  ],
];

/** One of each, which the compiler holds to be all. */
const EACH: {readonly [T in Remedy['type']]: Extract<Remedy, {type: T}>} = {
  'choose-folder': {type: 'choose-folder'},
  'name-folder': {type: 'name-folder'},
  'use-empty-folder': {type: 'use-empty-folder', folder: '/a/store'},
  'use-store-around': {type: 'use-store-around', store: '/a'},
  'use-local-disk': {type: 'use-local-disk'},
  'replace-link': {type: 'replace-link'},
  'make-store': {type: 'make-store'},
  'follow-store': {type: 'follow-store'},
  'restore-database': {type: 'restore-database'},
  verify: {type: 'verify'},
  'check-disk': {type: 'check-disk'},
  'make-again': {type: 'make-again', artifact},
  'free-space': {type: 'free-space'},
  wait: {type: 'wait'},
  'wait-for-gc': {type: 'wait-for-gc'},
  'collect-later': {type: 'collect-later'},
  'watch-run': {type: 'watch-run', run: 3},
  'list-runs': {type: 'list-runs'},
  'list-nodes': {type: 'list-nodes'},
  'list-params': {type: 'list-params', node: 'zero', recipe: 'own'},
  'begin-run': {type: 'begin-run'},
  'list-lineage': {type: 'list-lineage'},
  'read-log': {type: 'read-log', node: 'zero'},
  'give-tag': {type: 'give-tag'},
  'list-pins': {type: 'list-pins'},
  'list-rows': {type: 'list-rows'},
  'choose-dataset': {type: 'choose-dataset', datasets: ['a:rows']},
  'use-its-store': {type: 'use-its-store'},
  'run-anew': {type: 'run-anew', because: 'bytes-gone'},
  'end-processes': {type: 'end-processes', node: 'zero', run: 3},
  'finish-on-resume': {type: 'finish-on-resume', run: 3, node: 'zero'},
  'accept-checkpoint': {type: 'accept-checkpoint'},
  'set-source': {type: 'set-source', node: 'corpus'},
  'set-variable': {type: 'set-variable'},
  'trust-recipe': {type: 'trust-recipe', recipe: 'mine', typed: 'r1 resume 1'},
};

/** The words by which a remedy is known: they must be in its text. */
const KNOWN_BY: {readonly [T in Remedy['type']]: RegExp} = {
  'choose-folder': /--store FOLDER/,
  'name-folder': /leave --store out for \.r1/,
  'use-empty-folder': /new or empty: --store \/a\/store/,
  'use-store-around': /--store \/a,/,
  'use-local-disk': /local disk with --store FOLDER/,
  'replace-link': /--store LINK/,
  'make-store': /`r1 run` makes one/,
  'follow-store': /r1 resume --store FOLDER/,
  'restore-database': /restore store\.db from a copy/,
  verify: /`r1 verify` names everything/,
  'check-disk': /free space, then `r1 verify`/,
  'make-again': /`r1 show @/,
  'free-space': /`r1 gc --dry-run`/,
  wait: /`r1 status`/,
  'wait-for-gc': /`r1 gc`/,
  'collect-later': /`r1 gc` again later/,
  'watch-run': /r1 status 3/,
  'finish-on-resume': /r1 resume 3 --finish zero/,
  'list-runs': /`r1 runs`/,
  'list-nodes': /r1 status lists/,
  'list-params': /`r1 params zero --recipe own` says/,
  'begin-run': /`r1 run` begins/,
  'list-lineage': /`r1 runs` and `r1 lineage NODE`/,
  'read-log': /`r1 log zero`/,
  'give-tag': /`r1 tag` gives names/,
  'list-pins': /`r1 pin` lists/,
  'list-rows': /`r1 show` lists/,
  'choose-dataset': /--in a:rows/,
  'use-its-store': /--store FOLDER names another store/,
  'run-anew': /r1 run makes it again/,
  'end-processes': /then r1 resume 3/,
  'accept-checkpoint': /--accept-checkpoint continues/,
  'set-source': /--source corpus=PATH/,
  'set-variable': /NAME=value r1 run/,
  'trust-recipe': /r1 resume 1 --recipe RECIPE/,
};

test('each remedy is said with its own command, and each command and option that is named exists', async () => {
  const commands = await allCommands();
  const names = new Set(commands.map((command) => command.name()));
  const options = new Set(commands.flatMap((command) => command.options.map(({long}) => long)));
  for (const [type, remedy] of Object.entries(EACH)) {
    const text = hintOf({remedy})!;
    assert.match(text, KNOWN_BY[remedy.type], type);
    for (const [, name] of text.matchAll(/\br1 ([a-z-]+)/g)) assert.ok(names.has(name!), `${type}: r1 ${name!}`);
    for (const [option] of text.matchAll(/--[a-z-]+/g)) assert.ok(options.has(option), `${type}: ${option}`);
  }
});

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
