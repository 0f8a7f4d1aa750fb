/**
 * What training took, in floating-point operations by the usual count: 6N for each token trained on (forward and
 * backward), 2N for each token generated or scored by a reference model (forward), N the parameters (Kaplan et al., arXiv
 * 2001.08361, §2.1; attention over the context is left out on both sides).
 */
export interface Compute {
  readonly parameters: number;
  readonly trainedTokens: number;
  readonly generatedTokens: number;
  readonly scoredTokens: number;
  readonly operations: number;
}

/** From a card that counts its tokens; undefined where it does not. */
export function computeOf(card: Readonly<Record<string, unknown>> | undefined): Compute | undefined {
  const number = (name: string): number | undefined => {
    const value = card?.[name];
    return typeof value === 'number' ? value : undefined;
  };
  const parameters = number('parameters');
  const trainedTokens = number('trainedTokens');
  const generatedTokens = number('generatedTokens');
  const scoredTokens = number('scoredTokens');
  if (parameters === undefined || trainedTokens === undefined) return undefined;
  if (generatedTokens === undefined || scoredTokens === undefined) return undefined;
  const operations = parameters * (6 * trainedTokens + 2 * (generatedTokens + scoredTokens));
  return {parameters, trainedTokens, generatedTokens, scoredTokens, operations};
}
