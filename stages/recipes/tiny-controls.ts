/**
 * The controls that stand beside tiny's claims. It extends `tiny`, so that in one store it reuses everything that `tiny`
 * made and only adds:
 *
 * - base with a forced `<think>` prefix (does the format alone do it?), Zero trained on rewards that are dealt out anew within each
 *   group (does any reward do it?), and Zero on the format reward alone
 * - Zero that is paid for responses no longer than its base's (is longer why RL is better?)
 * - reasoning RL without the language reward, and Zero with it (what does it cost?)
 * - answers after none, some or all of the thinking of base, Zero and R1 (does the answer need it?)
 * - R1 asked in other words, in another template, and with an example (how much hangs on the prompt?)
 */
import {recipe} from '../../pipeline/recipe.js';
import type {Ref} from '../../pipeline/recipe.js';
import {earlyAnswering, evaluate, grpo, report} from '../index.js';
import {PAPER_NAMES} from './paper-names.js';
import {TINY_CLAIMS, TINY_CONTROL_CLAIMS} from './tiny-claims.js';
import tiny, {TINY_EVALUATION, TINY_REASONING, TINY_ZERO} from './tiny.js';

/** Tokens of an answer that is forced: two digits, the tag that closes it, the end token, and as many again. */
const ANSWER_TOKENS = 8;

/**
 * Other ways to ask R1, in words of its vocabulary. It has been trained on the bare question in the chat format, so each is new to it.
 * The example is a problem of one turn, so that with it the longest question and response fit into 256 positions.
 */
const PROMPTINGS = {
  'system-text': {template: 'chat', system: 'the assistant first thinks and then answers .'},
  suffix: {template: 'chat', suffix: ' first find it , then tell me .'},
  'zero-template': {template: 'tiny-zero'},
  'one-shot': {
    template: 'chat',
    shots: [
      {
        question: 'left 3 , right 5 . left up 2 . now ?',
        response: '<think> left 3 up 2 gives 5 . </think> <answer> 5 5 </answer>',
      },
    ],
  },
} as const;

export default recipe(
  'tiny-controls',
  (add) => {
    const {asked, base, zero, dev1, r1, scores, followed, histories, cards} = tiny.wire(add);

    const fromBase = {policy: base.model, prompts: asked.train};
    const shuffled = add('zero-shuffled', grpo, fromBase, {...TINY_ZERO, shuffleRewards: true});
    const formatOnly = add('zero-format-only', grpo, fromBase, {...TINY_ZERO, rewards: {format: 1}});
    // Paid in full up to four fifths of the mean length of base's responses, and for length not at all from that mean on.
    const shortened = add(
      'zero-base-length',
      grpo,
      {...fromBase, lengthFrom: scores.base},
      {...TINY_ZERO, rewards: {accuracy: 1, format: 1, length: 1}},
    );
    const consistent = add('zero-language', grpo, fromBase, {
      ...TINY_ZERO,
      rewards: {accuracy: 1, format: 1, language: 1},
    });
    const withoutLanguage = add(
      'reasoning-no-language',
      grpo,
      {policy: dev1.model, prompts: asked.train},
      {...TINY_REASONING, rewards: {accuracy: 1, format: 1}},
    );

    const evaluateModel = (
      node: string,
      model: Ref<'model'>,
      {template = 'tiny-zero', prefill = ''}: {template?: 'tiny-zero' | 'chat'; prefill?: string} = {},
    ) =>
      add(`evaluate-${node}`, evaluate, {model, prompts: asked.heldOut}, {...TINY_EVALUATION, template, prefill})
        .scores;
    const controls = {
      'base-forced-think': evaluateModel('base-forced-think', base.model, {prefill: '<think>'}),
      'zero-shuffled': evaluateModel('zero-shuffled', shuffled.model),
      'zero-format-only': evaluateModel('zero-format-only', formatOnly.model),
      'zero-base-length': evaluateModel('zero-base-length', shortened.model),
      'zero-language': evaluateModel('zero-language', consistent.model),
      'reasoning-no-language': evaluateModel('reasoning-no-language', withoutLanguage.model, {template: 'chat'}),
    };

    const answerEarly = (node: string, model: Ref<'model'>, of: Ref<'scores'>) =>
      add(
        `early-answering-${node}`,
        earlyAnswering,
        {model, scores: of, prompts: asked.heldOut},
        {filler: '.', maxNewTokens: ANSWER_TOKENS},
      ).answers;
    const earlyAnswers = {
      base: answerEarly('base', base.model, scores.base),
      'zero-rl': answerEarly('zero-rl', zero.model, scores['zero-rl']),
      'all-scenario-rl': answerEarly('all-scenario-rl', r1.model, scores['all-scenario-rl']),
    };

    const promptings = Object.fromEntries(
      Object.entries(PROMPTINGS).map(([name, asking]) => [
        name,
        add(
          `evaluate-all-scenario-rl-${name}`,
          evaluate,
          {model: r1.model, prompts: asked.heldOut},
          {...TINY_EVALUATION, ...asking},
        ).scores,
      ]),
    );

    const measured = {
      scores: {...scores, ...controls},
      histories: {
        ...histories,
        'zero-shuffled': shuffled.history,
        'zero-format-only': formatOnly.history,
        'zero-base-length': shortened.history,
        'zero-language': consistent.history,
        'reasoning-no-language': withoutLanguage.history,
      },
      cards,
      earlyAnswers,
      promptings,
    };
    const result = add('report-controls', report, measured, {
      claims: [...TINY_CLAIMS, ...TINY_CONTROL_CLAIMS],
      paperNames: {base: 'V3-Base', ...PAPER_NAMES},
      followed,
    });
    return {report: result};
  },
  'tiny, and the control rows that stand beside its claims',
);
