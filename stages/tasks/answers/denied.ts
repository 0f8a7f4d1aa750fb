/** Sentences that say what an answer is not. */

const DENIED =
  /n't(?![a-z])|\b(?:not|no|nor|never|neither|cannot|(?:is|are|was|were|do|does|did|has|have|can|could|would|should|wo)nt|nope|wrong|incorrect|incorrectly|false|untrue|impossible|unlikely|mistaken?|error|excluded?|excluding|except|anything but|rules? out|ruled out|eliminated?|instead|rather|nicht|kein|keine|pas|jamais|nunca|falsch|faux|falso)\b|[不非没沒未错錯否]|排除/iu;

/** Whether something in a text that `plain` made is denied, whatever it is. */
export const isDenied = (text: string): boolean => DENIED.test(text);
