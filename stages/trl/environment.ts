/** The Python that TRL's trainers run in: one that is there, since which build of torch it has depends on the machine. */
import {python} from '../python/python.js';

/** Their versions count: each of them can change what is computed. */
export const TRL = python({
  packages: ['torch', 'transformers', 'trl', 'accelerate', 'datasets', 'tokenizers', 'safetensors', 'numpy'],
});
