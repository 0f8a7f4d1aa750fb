/**
 * The files of a model from a Hugging Face hub, at one commit: the only stage that uses the network. `import-model` takes what it
 * leaves. A commit and no branch, so that the fingerprint says what was fetched, planning needs no network, and a model that was
 * fetched once is reused without one.
 */
import {declareParams, described, textLike} from '../pipeline/params.js';
import {defineStage, StageFailure} from '../pipeline/stage.js';

const HUB = 'https://huggingface.co';

/**
 * Fetches the config, tokenizer and safetensors of a model. `HF_ENDPOINT` (a mirror's address, from `env`) and `HF_TOKEN` (from
 * `passEnv`, so that it is written nowhere) count where the node has them.
 *
 * @throws {StageFailure} from `run`, where the hub cannot be reached, refuses, or sends other bytes than it lists
 */
export const fetchModel = defineStage({
  module: import.meta.url,
  name: 'fetch-model',
  summary: 'The files of a model from a Hugging Face hub, at one commit',
  seedless: true,
  inputs: {},
  outputs: {folder: 'folder'},
  ...declareParams({
    repo: described('', 'The model on the hub.', textLike(/^[\w.-]+\/[\w.-]+$/, 'organization/name')),
    commit: described(
      '',
      'Which version of it; a branch may be another model tomorrow.',
      textLike(
        /^[0-9a-f]{40}$/,
        `the forty hexadecimal digits of a commit, as git ls-remote ${HUB}/ORGANIZATION/NAME main prints them`,
      ),
    ),
  }),
  async run({outputs, params, signal, note}) {
    const {HF_ENDPOINT: endpoint = HUB, HF_TOKEN: token, HF_HUB_OFFLINE: offline} = process.env;
    if (offline !== undefined && !['', '0', 'false'].includes(offline.toLowerCase()))
      throw new StageFailure(`HF_HUB_OFFLINE is set, so ${params.repo} is not fetched`);
    const {fetchModel: fetchFiles} = await import('./model/hub.js');
    const {files, bytes} = await fetchFiles({...params, endpoint, token}, outputs.folder, signal);
    note(`${params.repo} at ${params.commit}: ${files} files, ${bytes} bytes`);
  },
});
