/** The stages, as recipes import them, and what declares a reward or a task of one's own. Importing this loads no TensorFlow: stages load what they need when they run. */
export {bench} from './bench.js';
export {coldStartData} from './cold-start-data.js';
export {command} from './command.js';
export {corpus} from './corpus.js';
export {earlyAnswering} from './early-answering.js';
export {evaluate} from './evaluate.js';
export {compareEvaluations, readEvaluation, spreadOverSeeds} from './evaluation/for-programs.js';
export type {
  EvaluationComparison,
  EvaluationToCompare,
  MetricComparison,
  PairedDifference,
  SettingDifference,
  SharedProblems,
  Told,
} from './evaluation/compare-evaluations.js';
export type {SeedSpread} from './evaluation/over-seeds.js';
export type {Evaluated} from './evaluation/report/inputs.js';
export type {ProblemChange, RightOf, Tally, WonAndLost} from './evaluation/won-and-lost.js';
export {fetchModel} from './fetch-model.js';
export {fetchPackage} from './fetch-package.js';
export {gate} from './gate.js';
export {generalData} from './general-data.js';
export {grpo} from './grpo.js';
export {importAdapter} from './import-adapter.js';
export {importModel} from './import-model.js';
export {importDataset} from './import-dataset.js';
export {importPrompts} from './import-prompts.js';
export {preferenceData} from './preference-data.js';
export {pretrain} from './pretrain.js';
export {prompts} from './prompts.js';
export {python} from './python/python.js';
export type {InstalledPython, LockedPython, PythonWords} from './python/python.js';
export {pruneLayers} from './prune-layers.js';
export {rejectionSampling} from './rejection-sampling.js';
export {report} from './report.js';
export {helpfulRewardModel, safetyRewardModel} from './reward-model.js';
export {sft} from './sft.js';
export {snapshot} from './snapshot.js';
export {student} from './student.js';
export {defineReward} from './rewards/reward.js';
export type {RewardContext, RewardDefinition} from './rewards/reward.js';
export {defineTask} from './tasks/define-task.js';
export type {Problem, TaskDefinition, TaskSpec} from './tasks/define-task.js';
export type {Prompt} from './tasks/prompt.js';
export type {AnswerKind} from './tasks/task.js';
export type {Completion} from './text/completion.js';
export type {Random} from './random.js';
export {workedData} from './worked-data.js';
export {trainerData} from './trainer-data.js';
export {trlGrpo} from './trl-grpo.js';
export {trlSft} from './trl-sft.js';
export {isTensorflowNote} from './tensorflow/native-notes.js';
export {runtimeClass} from './tensorflow/runtime-class.js';
