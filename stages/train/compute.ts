/** What a training counts, for whoever reckons its operations from it: `evaluation/report/compute.ts`. */
export interface Compute {
  /** Numbers of the model; a tied output matrix counts once. */
  readonly parameters: number;
  /** Tokens of rows in optimizer steps, prompts included. */
  readonly trainedTokens: number;
  readonly generatedTokens: number;
  /** Tokens that went through a forward pass alone. */
  readonly scoredTokens: number;
}
