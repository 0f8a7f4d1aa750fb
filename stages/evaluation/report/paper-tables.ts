/**
 * Numbers that the paper prints (arXiv 2501.12948, and Nature 645:633, 2025), for reports that stand beside them: percent, ratings in
 * points. None of them was measured here.
 */
export interface PaperTable {
  readonly title: string;
  readonly source: string;
  /** What the rows are. */
  readonly of: 'benchmark' | 'model';
  readonly columns: readonly string[];
  /** Name and numbers; null where the paper has none. */
  readonly rows: readonly (readonly [name: string, values: readonly (number | null)[]])[];
}

/** Nature's Table 2, and Tables 2, 4, 5 and 6 of the first version. */
export const PAPER_TABLES: readonly PaperTable[] = [
  {
    title: 'The stages, from R1-Zero to R1',
    source: 'Nature 645:633, Table 2 (v2, Table 3)',
    of: 'benchmark',
    columns: ['R1-Zero', 'Dev1', 'Dev2', 'Dev3', 'DeepSeek-R1'],
    rows: [
      ['MMLU', [88.8, 89.1, 91.2, 91.0, 90.8]],
      ['MMLU-Redux', [85.6, 90.0, 93.0, 93.1, 92.9]],
      ['MMLU-Pro', [68.9, 74.1, 83.8, 83.1, 84.0]],
      ['DROP, F1', [89.1, 89.8, 91.1, 88.7, 92.2]],
      ['IF-Eval, prompt strict', [46.6, 71.7, 72.0, 78.1, 83.3]],
      ['GPQA Diamond', [75.8, 66.1, 70.7, 71.2, 71.5]],
      ['SimpleQA', [30.3, 17.8, 28.2, 24.9, 30.1]],
      ['FRAMES', [82.3, 78.5, 81.8, 81.9, 82.5]],
      ['AlpacaEval 2, LC', [24.7, 50.1, 55.8, 62.1, 87.6]],
      ['ArenaHard', [53.6, 77.0, 73.2, 75.6, 92.3]],
      ['LiveCodeBench', [50.0, 57.5, 63.5, 64.6, 65.9]],
      ['Codeforces percentile', [80.4, 84.5, 90.5, 92.1, 96.3]],
      ['Codeforces rating', [1444, 1534, 1687, 1746, 2029]],
      ['SWE-bench Verified', [43.2, 39.6, 44.6, 45.6, 49.2]],
      ['Aider Polyglot', [12.2, 6.7, 25.6, 44.8, 53.3]],
      ['AIME 2024, pass@1', [77.9, 59.0, 74.0, 78.1, 79.8]],
      ['MATH-500', [95.9, 94.2, 95.9, 95.4, 97.3]],
      ['CNMO 2024', [88.1, 58.0, 73.9, 77.3, 78.8]],
      ['CLUEWSC', [93.1, 92.8, 92.6, 91.6, 92.8]],
      ['C-Eval', [92.8, 85.7, 91.9, 86.4, 91.8]],
      ['C-SimpleQA', [66.4, 58.8, 64.2, 66.9, 63.7]],
    ],
  },
  {
    title: 'R1-Zero beside o1',
    source: 'v1, Table 2',
    of: 'model',
    columns: [
      'AIME 2024, pass@1',
      'AIME 2024, cons@64',
      'MATH-500',
      'GPQA Diamond',
      'LiveCodeBench',
      'Codeforces rating',
    ],
    rows: [
      ['o1-mini', [63.6, 80.0, 90.0, 60.0, 53.8, 1820]],
      ['o1-0912', [74.4, 83.3, 94.8, 77.3, 63.4, 1843]],
      ['R1-Zero', [71.0, 86.7, 95.9, 73.3, 50.0, 1444]],
    ],
  },
  {
    title: 'R1 beside other models',
    source: 'v1, Table 4 (v2, Table 8)',
    of: 'benchmark',
    columns: ['Claude 3.5 Sonnet 1022', 'GPT-4o 0513', 'DeepSeek-V3', 'o1-mini', 'o1-1217', 'DeepSeek-R1'],
    rows: [
      ['MMLU', [88.3, 87.2, 88.5, 85.2, 91.8, 90.8]],
      ['MMLU-Redux', [88.9, 88.0, 89.1, 86.7, null, 92.9]],
      ['MMLU-Pro', [78.0, 72.6, 75.9, 80.3, null, 84.0]],
      ['DROP, F1', [88.3, 83.7, 91.6, 83.9, 90.2, 92.2]],
      ['IF-Eval, prompt strict', [86.5, 84.3, 86.1, 84.8, null, 83.3]],
      ['GPQA Diamond', [65.0, 49.9, 59.1, 60.0, 75.7, 71.5]],
      ['SimpleQA', [28.4, 38.2, 24.9, 7.0, 47.0, 30.1]],
      ['FRAMES', [72.5, 80.5, 73.3, 76.9, null, 82.5]],
      ['AlpacaEval 2, LC', [52.0, 51.1, 70.0, 57.8, null, 87.6]],
      ['ArenaHard', [85.2, 80.4, 85.5, 92.0, null, 92.3]],
      ['LiveCodeBench', [38.9, 32.9, 36.2, 53.8, 63.4, 65.9]],
      ['Codeforces percentile', [20.3, 23.6, 58.7, 93.4, 96.6, 96.3]],
      ['Codeforces rating', [717, 759, 1134, 1820, 2061, 2029]],
      ['SWE-bench Verified', [50.8, 38.8, 42.0, 41.6, 48.9, 49.2]],
      ['Aider Polyglot', [45.3, 16.0, 49.6, 32.9, 61.7, 53.3]],
      ['AIME 2024, pass@1', [16.0, 9.3, 39.2, 63.6, 79.2, 79.8]],
      ['MATH-500', [78.3, 74.6, 90.2, 90.0, 96.4, 97.3]],
      ['CNMO 2024', [13.1, 10.8, 43.2, 67.6, null, 78.8]],
      ['CLUEWSC', [85.4, 87.9, 90.9, 89.9, null, 92.8]],
      ['C-Eval', [76.7, 76.0, 86.5, 68.9, null, 91.8]],
      ['C-SimpleQA', [55.4, 58.7, 68.0, 40.3, null, 63.7]],
    ],
  },
  {
    title: 'The distilled models',
    source: 'v1, Table 5 (v2, Table 15)',
    of: 'model',
    columns: [
      'AIME 2024, pass@1',
      'AIME 2024, cons@64',
      'MATH-500',
      'GPQA Diamond',
      'LiveCodeBench',
      'Codeforces rating',
    ],
    rows: [
      ['GPT-4o 0513', [9.3, 13.4, 74.6, 49.9, 32.9, 759]],
      ['Claude 3.5 Sonnet 1022', [16.0, 26.7, 78.3, 65.0, 38.9, 717]],
      ['o1-mini', [63.6, 80.0, 90.0, 60.0, 53.8, 1820]],
      ['QwQ-32B-Preview', [50.0, 60.0, 90.6, 54.5, 41.9, 1316]],
      ['R1-Distill-Qwen-1.5B', [28.9, 52.7, 83.9, 33.8, 16.9, 954]],
      ['R1-Distill-Qwen-7B', [55.5, 83.3, 92.8, 49.1, 37.6, 1189]],
      ['R1-Distill-Qwen-14B', [69.7, 80.0, 93.9, 59.1, 53.1, 1481]],
      ['R1-Distill-Qwen-32B', [72.6, 83.3, 94.3, 62.1, 57.2, 1691]],
      ['R1-Distill-Llama-8B', [50.4, 80.0, 89.1, 49.0, 39.6, 1205]],
      ['R1-Distill-Llama-70B', [70.0, 86.7, 94.5, 65.2, 57.5, 1633]],
    ],
  },
  {
    title: 'Distillation beside RL at 32 billion parameters',
    source: 'v1, Table 6 (v2, Table 16)',
    of: 'model',
    columns: ['AIME 2024, pass@1', 'AIME 2024, cons@64', 'MATH-500', 'GPQA Diamond', 'LiveCodeBench'],
    rows: [
      ['QwQ-32B-Preview', [50.0, 60.0, 90.6, 54.5, 41.9]],
      ['R1-Zero-Qwen-32B (RL >10K steps)', [47.0, 60.0, 91.6, 55.0, 40.2]],
      ['R1-Distill-Qwen-32B', [72.6, 83.3, 94.3, 62.1, 57.2]],
    ],
  },
];
