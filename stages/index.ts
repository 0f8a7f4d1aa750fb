/** The stages, as recipes import them. Importing this loads no TensorFlow: stages load what they need when they run. */
export {coldStartData} from './cold-start-data.js';
export {command} from './command.js';
export {corpus} from './corpus.js';
export {evaluate} from './evaluate.js';
export {generalData} from './general-data.js';
export {grpo} from './grpo.js';
export {importModel} from './import-model.js';
export {importPrompts} from './import-prompts.js';
export {preferenceData} from './preference-data.js';
export {pretrain} from './pretrain.js';
export {prompts} from './prompts.js';
export {rejectionSampling} from './rejection-sampling.js';
export {report} from './report.js';
export {helpfulRewardModel, safetyRewardModel} from './reward-model.js';
export {sft} from './sft.js';
export {isTensorflowNote} from './tensorflow/native-notes.js';
export {runtimeClass} from './tensorflow/runtime-class.js';
