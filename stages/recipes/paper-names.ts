/** What the paper calls the models of the recipes here, by node (DeepSeek-R1, Nature 645:633, Fig. 2; v1, §2.4 and Table 6). */
export const PAPER_NAMES: Readonly<Record<string, string>> = {
  'zero-rl': 'R1-Zero',
  'cold-start-sft': 'R1-Dev1',
  'reasoning-rl': 'R1-Dev2',
  'full-sft': 'R1-Dev3',
  'all-scenario-rl': 'R1',
  'distill-small': 'R1-Distill',
  'distill-medium': 'R1-Distill',
  'student-rl': 'R1-Zero-Qwen-32B',
};
