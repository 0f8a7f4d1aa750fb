/** How much of everything `smollm2` has: on two cores, and on a GPU. */

/** How much of everything there is: what a profile sets. */
export interface Numbers {
  /** Training problems. */
  readonly problems: number;
  /** Supervised rows of general scenarios. */
  readonly generalRows: number;
  /** Tokens of the longest response. */
  readonly maxNewTokens: number;
  /** Params that all of reinforcement learning has in common, what R1-Zero has otherwise, and updates of each stage. */
  readonly updates: {
    readonly questions: number;
    readonly group: number;
    readonly chunk: number;
    readonly microBatch: number;
    readonly learningRate: number;
  };
  readonly zero: {
    readonly questions: number;
    readonly chunk: number;
    readonly temperature: number;
    readonly learningRate: number;
  };
  readonly zeroSteps: number;
  readonly reasoningSteps: number;
  readonly scenarioSteps: number;
  readonly studentSteps: number;
  /** Prompts to sample for, completions of each, and rows to keep. */
  readonly coldStart: {readonly prompts: number; readonly samples: number; readonly rows: number};
  readonly rejection: {readonly prompts: number; readonly samples: number; readonly rows: number};
  readonly preferences: {readonly prompts: number; readonly samples: number};
  /** Rows in an update of supervised fine-tuning, in a native call, and the peak of its learning rate. */
  readonly fineTuning: {readonly batch: number; readonly microBatch: number; readonly learningRate: number};
  readonly coldStartEpochs: number;
  readonly fullEpochs: number;
  /**
   * Layers that the student goes without, if it then has the least pass@8 on validation problems with which its two arms begin; worked
   * problems that heal it, and how often each is seen.
   */
  readonly layersLeftOut: number;
  readonly studentRows: number;
  readonly studentEpochs: number;
  readonly studentGate: number;
  /** Held-out problems that a model answers, and the instruct model when it is asked plainly; responses to each. */
  readonly scored: {readonly around: number; readonly others: number; readonly samples: number};
}

/** What two cores do in less than two hours. */
export const CPU: Numbers = {
  problems: 3_000,
  generalRows: 150,
  maxNewTokens: 64,
  updates: {questions: 4, group: 16, chunk: 2, microBatch: 8, learningRate: 1e-5},
  // It finds next to nothing right at first, and writes no sense at temperature 1.
  zero: {questions: 6, chunk: 3, temperature: 0.8, learningRate: 1.5e-5},
  zeroSteps: 40,
  reasoningSteps: 40,
  scenarioSteps: 30,
  studentSteps: 40,
  coldStart: {prompts: 320, samples: 2, rows: 200},
  rejection: {prompts: 1_000, samples: 2, rows: 1_000},
  preferences: {prompts: 120, samples: 6},
  fineTuning: {batch: 8, microBatch: 8, learningRate: 1e-4},
  coldStartEpochs: 2,
  fullEpochs: 1,
  layersLeftOut: 10,
  studentRows: 1_200,
  studentEpochs: 1,
  studentGate: 0.3,
  scored: {around: 300, others: 100, samples: 2},
};

/** The paper's shapes where a model of this size has a use for them; rates are those that suit it. */
export const GPU: Numbers = {
  problems: 20_000,
  generalRows: 4_000,
  maxNewTokens: 256,
  updates: {questions: 32, group: 16, chunk: 16, microBatch: 64, learningRate: 3e-6},
  zero: {questions: 32, chunk: 16, temperature: 1, learningRate: 3e-6},
  zeroSteps: 600,
  reasoningSteps: 600,
  scenarioSteps: 400,
  studentSteps: 600,
  coldStart: {prompts: 4_000, samples: 4, rows: 3_000},
  rejection: {prompts: 10_000, samples: 8, rows: 12_000},
  preferences: {prompts: 2_000, samples: 8},
  fineTuning: {batch: 64, microBatch: 32, learningRate: 1e-4},
  coldStartEpochs: 2,
  fullEpochs: 2,
  layersLeftOut: 10,
  studentRows: 4_000,
  studentEpochs: 2,
  studentGate: 0.3,
  scored: {around: 300, others: 300, samples: 16},
};
