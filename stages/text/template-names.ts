/** The templates by name, apart from what renders them, so that stages can name one without loading Jinja. */

/** `zero` is the paper's, `tiny-zero` its one-sentence form, `chat` the tokenizer's own, `none` the bare question. */
export const TEMPLATE_NAMES = ['zero', 'tiny-zero', 'chat', 'none'] as const;

export type TemplateName = (typeof TEMPLATE_NAMES)[number];
