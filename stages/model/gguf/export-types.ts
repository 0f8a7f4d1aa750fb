/** What a model can be exported as. Vectors (gains and biases) stay in float32 then, as llama.cpp has them. */
export const EXPORT_TYPES = ['f16', 'q8_0'] as const;
export type ExportType = (typeof EXPORT_TYPES)[number];
