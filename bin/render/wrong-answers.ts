/** Which questions a model got wrong, with what it answered and what was expected. */
import type {Sample} from '../../stages/evaluation/index.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {clip} from '../terminal/columns.js';
import {oneLine} from '../terminal/paint.js';

/** Characters of an answer, or of the end of a response without one. */
const LONGEST_ANSWER = 60;
/** Different answers to one question. */
const MOST_ANSWERS = 3;
const INDENT = '    ';

/** A question with its samples. */
interface Asked {
  readonly prompt: Prompt;
  readonly samples: readonly Sample[];
  readonly right: number;
}

/**
 * The questions that went wrong most often, with the answers that were given.
 *
 * @param most how many questions are shown
 * @returns undefined where none went wrong, or none has an answer to compare with
 */
export function wrongAnswersText(
  prompts: readonly Prompt[],
  samples: readonly Sample[],
  {most, width}: {readonly most: number; readonly width: number},
): string | undefined {
  const byPrompt = new Map<string, Sample[]>();
  for (const sample of samples) {
    if (sample.outcome === 'left-out') continue;
    const known = byPrompt.get(sample.prompt);
    if (known === undefined) byPrompt.set(sample.prompt, [sample]);
    else known.push(sample);
  }
  const graded = prompts.flatMap((prompt): Asked[] => {
    const own = byPrompt.get(prompt.id);
    if (own === undefined) return [];
    return [{prompt, samples: own, right: own.filter(({outcome}) => outcome === 'right').length}];
  });
  const wrong = graded.filter(({samples: own, right}) => right < own.length);
  if (wrong.length === 0) return undefined;
  const never = wrong.filter(({right}) => right === 0).length;
  const head = `${wrong.length} of ${graded.length} questions went wrong at least once, ${never} every time`;
  const shown = wrong.toSorted((a, b) => a.right / a.samples.length - b.right / b.samples.length).slice(0, most);
  const more =
    shown.length === wrong.length
      ? []
      : [`--wrong ${Math.min(wrong.length, 4 * Math.max(most, 5))} shows more of them; --json has every response`];
  return [
    head,
    ...shown.flatMap((asked) => ['', ...askedLines(asked, width)]),
    ...(more.length > 0 ? ['', ...more] : []),
  ].join('\n');
}

function askedLines({prompt, samples, right}: Asked, width: number): readonly string[] {
  const line = (text: string): string => clip(oneLine(text), width);
  const expected = prompt.answer === undefined ? [] : [line(`${INDENT}expected  ${prompt.answer}`)];
  return [
    line(`${prompt.id}: ${right} of ${samples.length} right`),
    line(`${INDENT}question  ${prompt.question.replace(/\s+/g, ' ')}`),
    ...expected,
    ...answersOf(samples).map((answer) => line(`${INDENT}answered  ${answer}`)),
  ];
}

/** The wrong answers, the most frequent first. */
function answersOf(samples: readonly Sample[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const sample of samples) {
    if (sample.outcome === 'right') continue;
    const text = answerText(sample);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  const shown = sorted
    .slice(0, MOST_ANSWERS)
    .map(([text, count]) => (count === 1 ? text : `${text}  (${count} times)`));
  const others = sorted.length - shown.length;
  return others > 0 ? [...shown, `… and ${others} other ${others === 1 ? 'answer' : 'answers'}`] : shown;
}

/** What was answered, or why that is nothing. */
function answerText({answer, outcome, why, text, truncated}: Sample): string {
  const because = why === undefined ? '' : `  (${why})`;
  if (answer !== null && outcome !== 'unparsable' && outcome !== 'timed-out')
    return `${clip(answer, LONGEST_ANSWER)}${outcome === 'partial' ? '  (in part)' : ''}${because}`;
  if (truncated) return `nothing: cut off after “…${ending(text)}”${because}`;
  if (outcome === 'timed-out') return `not judged in time: “…${ending(text)}”${because}`;
  return `nothing that can be read: “…${ending(text)}”${because}`;
}

const ending = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(-LONGEST_ANSWER);
