/**
 * Compute in floating-point operations, the usual way: 6 N for a token that is trained on (forward and backward), 2 N for
 * a token that is generated or scored, N being the number of parameters (Kaplan et al., arXiv 2001.08361, section 2.1).
 */
export interface Compute {
  readonly parameters: number;
  readonly trainedTokens: number;
  readonly generatedTokens: number;
  readonly scoredTokens: number;
}

export const flops = ({parameters, trainedTokens, generatedTokens, scoredTokens}: Compute): number =>
  6 * parameters * trainedTokens + 2 * parameters * (generatedTokens + scoredTokens);
