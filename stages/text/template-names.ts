/** The templates by name, apart from what renders them, so that stages can name one without loading Jinja. */
import {described} from '../../pipeline/params.js';

/** `zero` is the paper's, `tiny-zero` its one-sentence form, `chat` the tokenizer's own, `none` the bare question. */
export const TEMPLATE_NAMES = ['zero', 'tiny-zero', 'chat', 'none'] as const;

export type TemplateName = (typeof TEMPLATE_NAMES)[number];

/** The template as a param. @param value its default */
export const template = (value: TemplateName) =>
  described(
    value,
    'How a question is put: zero as the paper asks R1-Zero, tiny-zero in one sentence of it, chat as the tokenizer’s own template has it, none as it stands.',
    TEMPLATE_NAMES,
  );
