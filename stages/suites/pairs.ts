/**
 * Replies of a model beside those of a baseline, as Arena-Hard judges them (Li et al., arXiv 2406.11939): two games for each reply, once in
 * either order, five verdicts. A verdict that one is much better counts as three wins, a slight one as one, a tie as half of one. With two
 * players the strength that Bradley and Terry's model fits is the share of wins. A reply of which a game was not judged is left out.
 */
import {createHash} from 'node:crypto';
import {StageFailure} from '../../pipeline/stage.js';
import {sourceRows} from '../data/import/rows.js';
import {valueAt} from '../data/import/values.js';
import type {SourceRow} from '../data/import/values.js';
import {mean} from '../evaluation/intervals.js';
import {shareOver} from '../evaluation/over-problems.js';
import type {Sample, Score} from '../evaluation/index.js';
import type {Scored, ScorerItem} from '../rewards/index.js';
import type {Prompt} from '../tasks/prompt.js';
import {finalAnswer, readCompletion} from '../text/completion.js';
import type {Answer} from './ask.js';
import {filled} from './fill.js';
import type {NamedFile} from './problems.js';
import {formatOf, missing, scalarOf} from './row.js';
import type {Suite} from './suite.js';

/** What a much better reply counts for. */
const MUCH = 3;

/** Where the text of a reply stands in files of answers: those of the first release, and those of later ones. */
const PLACES = ['choices.0.turns.0.content', 'messages.1.content.answer', 'messages.1.content'];

/**
 * The baseline's reply to each prompt.
 *
 * @throws {StageFailure} where a file is no file of answers, or a prompt has none
 */
export async function baselineOf(
  suite: Suite,
  prompts: readonly Prompt[],
  files: readonly NamedFile[] | undefined,
): Promise<readonly string[]> {
  if (files === undefined)
    throw new StageFailure(
      `${suite.title} wants the replies of its baseline, a file of baseline: ${suite.data.others.baseline!}`,
    );
  const replies = new Map<string, string>();
  for (const {path, name} of files)
    for await (const row of sourceRows(path, name, {format: formatOf(name)})) {
      const id = (suite.data.id ?? [])
        .map((field) => scalarOf(valueAt(row.fields, field)))
        .find((one) => one !== undefined);
      if (id === undefined) throw missing(suite, row, suite.data.id ?? []);
      replies.set(`${suite.name}:${id}`, replyIn(suite, row));
    }
  return prompts.map(({id}) => {
    const reply = replies.get(id);
    if (reply !== undefined) return reply;
    throw new StageFailure(`${files.map(({name}) => name).join(', ')} has no reply of the baseline to ${id}`);
  });
}

function replyIn(suite: Suite, row: SourceRow): string {
  const text = PLACES.map((place) => scalarOf(valueAt(row.fields, place))).find((one) => one !== undefined);
  if (text === undefined) throw missing(suite, row, PLACES);
  return text;
}

/** Both games of each reply: in the first the baseline stands first, in the second the model does. */
export function gamesOf(
  suite: Suite,
  prompts: readonly Prompt[],
  answers: readonly (readonly Answer[])[],
  baseline: readonly string[],
): ScorerItem[] {
  return prompts.flatMap((prompt, index) =>
    answers[index]!.flatMap(({completion}) => {
      const mine = finalAnswer(completion);
      const other = baseline[index]!;
      return [game(suite, prompt, other, mine), game(suite, prompt, mine, other)];
    }),
  );
}

/** Two replies as one text: behind lines with a mark that neither can have known who wrote it. */
function game({grade}: Suite, prompt: Prompt, first: string, second: string): ScorerItem {
  const mark = createHash('sha256')
    .update(JSON.stringify([prompt.question, first, second]))
    .digest('hex')
    .slice(0, 12);
  const reply = `${mark} A\n${first}\n${mark} B\n${second}\n${mark} end`;
  const rubric = filled(grade.rubric!, (name) => (name === 'mark' ? mark : `{{${name}}}`));
  // What a reply says of thinking or answers is not to be taken apart again.
  return {prompt: {...prompt, rubric}, completion: {...readCompletion('', true), text: reply, reply}};
}

/** What a reply is worth: wins, and of how many. `undefined`: a game of it was not judged. */
function wins(first: Scored, second: Scored): {readonly won: number; readonly of: number} | undefined {
  const each = [first, second].map(({verdicts: {accuracy}}, place) => {
    if (!['right', 'partial', 'wrong'].includes(accuracy.outcome)) return undefined;
    // The verdict is how much better the reply is that stands second.
    const better = place === 0 ? accuracy.value : 1 - accuracy.value;
    const weight = better === 0 || better === 1 ? MUCH : 1;
    return {won: weight * (better > 0.5 ? 1 : better < 0.5 ? 0 : 0.5), of: weight};
  });
  const [one, other] = each;
  return one === undefined || other === undefined ? undefined : {won: one.won + other.won, of: one.of + other.of};
}

/**
 * The share of wins with its interval, and the samples with what they are worth.
 *
 * @param scored what was said of the games, in their order
 */
export function winRate(
  groups: readonly (readonly Sample[])[],
  scored: readonly Scored[],
): {readonly score: Score[]; readonly groups: Sample[][]} {
  let place = 0;
  const played = groups.map((group) =>
    group.map((sample) => ({sample, result: wins(scored[place++]!, scored[place++]!)})),
  );
  const judged = played.map((group) => group.flatMap(({result}) => result ?? [])).filter(({length}) => length > 0);
  const {value, low, high} = shareOver(
    judged.map((group) => mean(group.map(({won}) => won))),
    judged.map((group) => mean(group.map(({of}) => of))),
  );
  const score =
    judged.length === 0
      ? []
      : [{metric: 'win-rate', mean: value, low, high, problems: judged.length, samples: judged.flat().length}];
  const worth = ({sample, result}: (typeof played)[number][number]): Sample => {
    if (result === undefined) return {...sample, outcome: 'unparsable', value: 0};
    const value = result.won / result.of;
    return {...sample, outcome: value > 0.5 ? 'right' : value < 0.5 ? 'wrong' : 'partial', value};
  };
  return {score, groups: played.map((group) => group.map(worth))};
}
