/** GGUF files (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), read as Hugging Face folders, and written from them. */
export {folderFromGguf, isFile} from './read-gguf.js';
export {ggufFromFolder} from './write-gguf.js';
