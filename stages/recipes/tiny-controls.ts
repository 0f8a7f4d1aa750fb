/**
 * The controls that stand beside tiny's claims. It extends `tiny`, so that in one store it reuses everything that `tiny`
 * made and only adds: base with a forced `<think>` prefix (does the format alone do it?), Zero trained on rewards that
 * are dealt out anew within each group (does any reward do it?), and Zero on the format reward alone.
 */
import {recipe} from '../../pipeline/recipe.js';
import {evaluate, grpo, report} from '../index.js';
import {PAPER_NAMES} from './paper-names.js';
import {TINY_CLAIMS, TINY_CONTROL_CLAIMS} from './tiny-claims.js';
import tiny, {TINY_EVALUATION, TINY_ZERO} from './tiny.js';

export default recipe(
  'tiny-controls',
  (add) => {
    const {asked, base, scores, followed, histories, cards} = tiny.wire(add);
    const shuffled = add(
      'zero-shuffled',
      grpo,
      {policy: base.model, prompts: asked.train},
      {...TINY_ZERO, shuffleRewards: true},
    );
    const formatOnly = add(
      'zero-format-only',
      grpo,
      {policy: base.model, prompts: asked.train},
      {...TINY_ZERO, rewards: {format: 1}},
    );
    const evaluateModel = (node: string, model: typeof base.model, prefill = '') =>
      add(
        `evaluate-${node}`,
        evaluate,
        {model, prompts: asked.heldOut},
        {...TINY_EVALUATION, template: 'tiny-zero', prefill},
      ).scores;
    const controls = {
      'base-forced-think': evaluateModel('base-forced-think', base.model, '<think>'),
      'zero-shuffled': evaluateModel('zero-shuffled', shuffled.model),
      'zero-format-only': evaluateModel('zero-format-only', formatOnly.model),
    };
    const measured = {
      scores: {...scores, ...controls},
      histories: {...histories, 'zero-shuffled': shuffled.history, 'zero-format-only': formatOnly.history},
      cards,
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
