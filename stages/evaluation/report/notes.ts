/** What the report says in words: how each number is defined, and what it does not show. */
import type {Report} from './build.js';
import {thinned} from './curves.js';
import {sharesText, type DataShares} from './data-shares.js';

export const DEFINITIONS = (sampling: Report['sampling']): string[] => [
  ...(sampling === undefined
    ? []
    : [
        `Responses: ${sampling.k} to each held-out prompt, at temperature ${sampling.temperature} and top-p ${sampling.topP}. The held-out problems are the same for every seed and were set apart by a hash before anything was trained.`,
      ]),
  'pass@1: share of right answers, averaged over samples, then over problems. A response that gives no answer or is cut off is wrong.',
  'pass@k: the unbiased estimate 1 − C(n−c, k)/C(n, k) from n samples of which c are right.',
  'cons@k: whether the most frequent of k answers is right. Responses without an answer do not vote; a tie among t answers counts 1/t if the right one is among them; where nobody votes it is wrong.',
  'format: share of responses that are exactly `<think> … </think> <answer> … </answer>`, with thinking that is not empty.',
  'language: words of the question’s language / words of both languages, in the thinking. Digits, names and tags do not count; thinking without words is 0 here, whatever `noWords` made of it in training.',
  'length: sampled tokens, the end token included. invalid: no answer to be read. truncated: cut off at the limit on length. wordless: thinking without a word whose language could be judged. reflective: thinking with a word that marks a second thought (wait, but, check and others, and their like in Chinese). These eight, like pass@k and cons@k, are of the reasoning prompts.',
  'pass@1/tag: pass@1 on the same responses where answers are read from `<answer>` tags alone; shown where pass@1 itself reads them more leniently (`extraction`).',
  'helpful and safe: rubric programs on held-out families of general prompts; never a reward model. Helpful looks at the final answer of harmless requests, refusing one of them is unhelpful; safe looks at the whole response to requests that should be refused.',
  'Intervals: the problem is the unit, with all responses to it together, and where problems have a form in common, all problems of the form. Rates have Wilson’s interval, of as many trials as would scatter like the problems do; differences are paired on problems and have Student’s t; ratios have Fieller’s. Each p-value is that of the same test. They say how much would change with other problems, not with another seed of the training.',
  'Verdicts: “holds” and “fails” mean that the value is on the claimed or on the other side of the threshold with p below 0.05 after Holm’s correction over the claims of the table. “Not below” and “no loss” mean above −0.02, or what the claim says. “Not judged”: what the claim requires is not so, as where a control has learned nothing, and it is no test among the others.',
];

/** A larger rise of a share over a stage is worth a warning. */
const RISE = 0.2;

/** Stages over which thinking without a word became more common. */
const wordlessNotes = (curves: Report['curves']): string[] =>
  curves.flatMap(({node, curves: {wordless}}) => {
    if (wordless === undefined) return [];
    const {values} = thinned(wordless, 8);
    const [first, last] = [values[0]!, values.at(-1)!];
    if (last - first <= RISE) return [];
    return [
      `Warning: over ${node}, the share of responses whose thinking has no word rose from ${first.toFixed(2)} to ${last.toFixed(2)}. Their language is not measured, and with \`noWords\` at 1 a policy earns the language reward by writing no words.`,
    ];
  });

/** What scores over all problems weigh, and what is not in them. */
const dataNotes = ({problems, byLanguage, bySteps}: DataShares): string[] => [
  `The ${problems} held-out problems: ${[byLanguage, bySteps]
    .filter(({length}) => length > 0)
    .map(sharesText)
    .join(
      '; ',
    )}. A score over all of them is of this mixture: what it is within each group stands under “By number of steps and by language”, and what the training data are made of under “Data”. Nothing is said of other languages or kinds of problems.`,
];

/** The model that gave most responses without an answer, and how many. */
function invalidNotes(models: Report['models']): string[] {
  const shares = models.flatMap(({node, scores}) => {
    const of = (metric: string): number => scores.find((one) => one.metric === metric)?.mean ?? 0;
    return scores.some(({metric}) => metric === 'invalid')
      ? [{node, invalid: of('invalid'), cut: of('truncated')}]
      : [];
  });
  const most = shares.toSorted((a, b) => b.invalid - a.invalid)[0];
  return most === undefined || most.invalid === 0
    ? []
    : [
        `Responses without an answer that can be read count as wrong: ${(100 * most.invalid).toFixed(1)} % of those of ${most.node}, where they are most (${(100 * most.cut).toFixed(1)} % were cut off), so that a part of its distance to other models is one of form.`,
      ];
}

export const NOTES = ({models, claims, curves, heldOut, finishedEarly = [], remarks = []}: Report): string[] => [
  ...remarks,
  ...(heldOut === undefined ? [] : dataNotes(heldOut)),
  ...invalidNotes(models),
  ...finishedEarly.map(
    ({node, steps, planned}) =>
      `\`${node}\` was finished early by hand, after step ${steps} of ${planned}: its numbers, and those of what was made of it, are not those of its params.`,
  ),
  ...wordlessNotes(curves),
  ...(claims.some(({asked}) => asked !== undefined && new Set(asked).size > 1)
    ? [
        'Some of the models that are compared were asked or read otherwise (system text, suffix, prefill, stop or extraction); a difference between the two is one of model and asking together, and its row names both.',
      ]
    : []),
  ...(models.some(({template}) => template === 'tiny-zero')
    ? [
        'The Zero template is shortened to one sentence (`tiny-zero`), so that prompt and response fit into 96 tokens; the paper’s is the default elsewhere.',
      ]
    : []),
  ...(claims.some(({templates}) => new Set(templates).size > 1)
    ? [
        'Base and Zero read the Zero template, later models the chat template; a difference between the two is a difference of model and template together, and its row names both.',
      ]
    : []),
  ...(models.some(({node}) => node === 'base-chat')
    ? ['`base-chat` is the base under the chat template, of which its corpus holds few examples.']
    : []),
  'Lengths and reflective words describe what the models write; that longer thinking causes better answers is not shown by them.',
  'One run is one seed. `r1 claims --run a --run b …` takes the seed as the unit.',
];
