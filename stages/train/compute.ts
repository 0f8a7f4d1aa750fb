/** What a training counts, for whoever reckons its operations from it: `evaluation/report/compute.ts`. */
export interface Compute {
  readonly parameters: number;
  readonly trainedTokens: number;
  readonly generatedTokens: number;
  readonly scoredTokens: number;
}
