/** GGUF files (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), read as Hugging Face folders. */
export {folderFromGguf, isFile} from './read-gguf.js';
