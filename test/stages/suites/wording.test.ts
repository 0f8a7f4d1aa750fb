/** What a suite may have said around its prompts, begin responses with, and end them at. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {bench} from '../../../stages/bench.js';
import {NO_CHECKPOINTS} from '../../../stages/endpoint/journal.js';
import {serverOf} from '../../../stages/endpoint/server.js';
import {scoresFile} from '../../../stages/evaluation/report/inputs.js';
import {endpointModel, runSuite} from '../../../stages/suites/index.js';
import type {SuiteOptions} from '../../../stages/suites/index.js';
import {readSuite} from '../../../stages/suites/read-suite.js';
import {suiteOf} from '../../../stages/suites/suite.js';
import {writeSpeaker} from '../../rig/speaker.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {startServer} from '../endpoint/server.js';
import {make, outputPath} from '../stagejob.js';
import {means, speak} from './speak.js';

const suiteWith = (ask: object = {}): Record<string, unknown> => ({
  name: 'sums',
  title: 'Sums',
  data: {from: 'sums.jsonl: sum, total', question: 'sum', answer: 'total'},
  ask: {samples: 2, maxNewTokens: 8, temperature: 1, topP: 1, ...ask},
  grade: {task: 'integer'},
  measure: {metrics: ['accuracy']},
  paper: {settings: 'made up', rows: [{model: 'Teacher', value: 90, source: 'nowhere'}]},
});
const suite = (ask?: object) => suiteOf(suiteWith(ask) as Parameters<typeof suiteOf>[0], 'mine.toml');

const ROWS = [{sum: 'What is key-1', total: 204}];
const says = {
  'key-1': ['\\boxed{1}'],
  'key-2': ['\\boxed{204}'],
  'key-3': ['\\boxed{204}HALT\\boxed{5}'],
};
const files = {questions: ['sums.jsonl', ROWS]} as const;

test('a suffix, a prefill and stop texts come to the model, and stand in the settings', async (t) => {
  const asked = async (ask: object): Promise<Awaited<ReturnType<typeof speak>>> => speak(t, suite(ask), {files, says});
  const plain = await asked({});
  assert.equal(means(plain)['accuracy'], 0);
  assert.deepEqual(plain.differs, []);
  assert.deepEqual(Object.keys(plain.settings).sort(), [
    ...['maxNewTokens', 'of', 'problems', 'samples', 'temperature', 'template', 'topP'],
  ]);
  // The model answers to the last of such words.
  const suffix = await asked({suffix: ' or key-2'});
  assert.equal(means(suffix)['accuracy'], 1);
  assert.equal(suffix.settings.suffix, ' or key-2');
  assert.deepEqual(suffix.differs, ['a text behind each question, " or key-2"']);
  const prefill = await asked({prefill: ' So key-2'});
  assert.equal(means(prefill)['accuracy'], 1);
  assert.equal(prefill.samples[0]!.tokens, 2, 'what it was made to begin with was not drawn');
  assert.deepEqual(prefill.differs, ['responses are made to begin with " So key-2"']);
  const ends = await asked({suffix: ' or key-3', stop: ['HALT']});
  assert.equal(means(ends)['accuracy'], 1);
  assert.equal(means(ends)['truncated'], 0);
  assert.equal(ends.samples[0]!.tokens, 1, 'up to the token that ends it');
  assert.deepEqual(ends.settings.stop, ['HALT']);
  assert.deepEqual(ends.differs.slice(1), ['responses end at ["HALT"]']);
  assert.equal(means(await asked({suffix: ' or key-3'}))['accuracy'], 0, 'the last box counts where nothing ends it');
});

test('a system text stands in front of each question', async (t) => {
  const system = 'Be brief. '.repeat(300);
  await assert.rejects(speak(t, suite({system}), {files, says}), /the longest question has 60\d tokens/);
  const brief = await speak(t, suite({system: 'Be brief.'}), {files, says});
  assert.deepEqual(brief.differs, ['a system text, "Be brief."']);
  const bare = speak(t, suite({system: 'Be brief.'}), {files, says, options: {asking: {template: 'none'}}});
  await assert.rejects(bare, /“ask” of Sums: system: the template “none” has no system turn/);
});

test('an endpoint is told all but a prefill, which is refused', async (t) => {
  const server = await startServer(t, () => ({content: '\\boxed{204}'}));
  process.env['R1_ENDPOINT_URL'] = server.url;
  t.after(() => {
    delete process.env['R1_ENDPOINT_URL'];
  });
  const folder = temporaryFolder(t, {'sums.jsonl': ROWS.map((row) => JSON.stringify(row)).join('\n')});
  const note = (): void => undefined;
  const at = {endpoint: 'm', endpointRequest: {}, checkpoints: NO_CHECKPOINTS, note};
  const options: SuiteOptions = {
    files: {questions: [{path: join(folder, 'sums.jsonl'), name: 'sums.jsonl'}]},
    askModel: endpointModel(serverOf('endpoint'), at),
    ...{asking: {}, seed: 1, grading: {}, cores: 1, note, done: note},
  };
  await assert.rejects(
    runSuite(suite({prefill: '<think>'}), options),
    /an endpoint begins its answers itself: leave “ask\.prefill” out of the suite/,
  );
  assert.equal(server.asked.length, 0);
  const around = {system: 'Be brief.', suffix: '?', stop: ['\n\n']};
  const result = await runSuite(suite(around), options);
  assert.equal(means(result)['accuracy'], 1);
  assert.equal(result.differs.length, 3);
  assert.deepEqual(
    server.asked.map(({system, question, body}) => ({system, question, stop: body['stop']})),
    Array.from({length: 2}, () => ({system: 'Be brief.', question: 'What is key-1?', stop: ['\n\n']})),
  );
});

test('a suite with a number that is none, or a field that nobody knows, is refused', async (t) => {
  const text = readFileSync(new URL('../../../../stages/suites/shipped/aime-2024.toml', import.meta.url), 'utf8');
  const refused = async (from: string, to: string, why: RegExp): Promise<void> => {
    const folder = temporaryFolder(t, {'mine.toml': text.replace(from, to)});
    await assert.rejects(readSuite(join(folder, 'mine.toml'), 'mine.toml'), why);
  };
  const ask = '[ask]\n';
  for (const value of ['nan', 'inf', '-inf'])
    await refused(ask, `${ask}temperature = ${value}\n`, /mine\.toml is no suite: “ask\.temperature” is (nan|an inf)/);
  await refused(ask, `${ask}temperature = 1e400\n`, /“ask\.temperature” is (an infinite number|1e400)/);
  await refused(ask, `${ask}topP = nan\n`, /“ask\.topP” is nan, which is no number/);
  await refused('title =', 'titel =', /there is no field “titel”, did you mean “title”\?; there are name, title, /);
  await refused(
    ask,
    `${ask}temprature = 1\n`,
    /no field “ask\.temprature”, did you mean “temperature”\?; there are prompt/,
  );
});

test('what is wrong in a suite is told with its file and key', () => {
  const refused = (ask: object, why: RegExp): void => {
    assert.throws(() => suite(ask), why);
  };
  refused({system: 3}, /^StageFailure: mine\.toml is no suite: “ask\.system”: /);
  refused({stop: 'HALT'}, /mine\.toml is no suite: “ask\.stop”: /);
  refused({stop: ['a', '']}, /mine\.toml is no suite: “ask\.stop\.1”: is an empty text/);
  refused(
    {system: 'Hm.', template: 'none'},
    /mine\.toml is no suite: “ask\.system”: the template “none” has no system/,
  );
  refused({stop: ['</answer>']}, /mine\.toml is no suite: “ask\.stop”: "<\/answer>" cuts off the tag/);
});

test('the scores of the stage say it, as a report reads them', async (t) => {
  const folder = temporaryFolder(t, {
    'mine.json': JSON.stringify(
      suiteWith({suffix: ' or key-3', stop: ['HALT'], system: 'Be brief.', prefill: ' key-3'}),
    ),
    'sums.jsonl': ROWS.map((row) => JSON.stringify(row)).join('\n'),
  });
  await writeSpeaker(
    join(folder, 'model'),
    Object.entries(says).map(([key, replies]) => ({key, replies})),
  );
  const job = join(folder, 'job');
  await make(job, {
    ...{stage: bench, exported: 'bench'},
    inputs: {model: join(folder, 'model'), data: join(folder, 'sums.jsonl'), suite: join(folder, 'mine.json')},
    params: {},
  });
  const written = scoresFile.parse(JSON.parse(readFileSync(join(outputPath(job, 'scores'), 'scores.json'), 'utf8')));
  const {system, suffix, prefill, stop} = written;
  const around = {system: 'Be brief.', suffix: ' or key-3', prefill: ' key-3', stop: ['HALT']};
  assert.deepEqual({system, suffix, prefill, stop}, around);
  assert.deepEqual({...written.suite!.settings, ...around}, written.suite!.settings);
  assert.equal(written.suite!.differs.length, 4);
  assert.equal(written.scores[0]!.mean, 1);
});
