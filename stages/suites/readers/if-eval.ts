/** IF-Eval (Zhou et al., arXiv 2311.07911): a prompt, and a list of instructions with their arguments. */
import {StageFailure} from '../../../pipeline/stage.js';
import {plainFields} from '../../data/import/values.js';
import {instructionFault, type Arguments} from '../../tasks/if-eval/instructions.js';
import {missing, textIn, type MakePrompt} from '../row.js';

export const ifEvalRow: MakePrompt = (suite, row, {id}) => {
  const {instruction_id_list: ids, kwargs} = plainFields(row.fields);
  if (ids === undefined || kwargs === undefined) throw missing(suite, row, ['instruction_id_list', 'kwargs']);
  if (!Array.isArray(ids) || !Array.isArray(kwargs) || ids.length !== kwargs.length || ids.length === 0)
    throw new StageFailure(`${row.at}: “instruction_id_list” and “kwargs” are no lists of one length`);
  const wanted = ids.map((one, place) => ({
    id: String(one),
    // Copies in Parquet have all arguments in each record, those that are not given as null.
    given: Object.fromEntries(
      Object.entries((kwargs[place] ?? {}) as Arguments).filter(([, value]) => value !== null && value !== undefined),
    ),
  }));
  const fault = wanted.map(instructionFault).find((one) => one !== undefined);
  if (fault !== undefined) throw new StageFailure(`${row.at}: ${fault}`);
  return {
    id,
    from: [],
    key: id,
    task: 'if-eval',
    question: textIn(suite, row, ['prompt']),
    answer: JSON.stringify(wanted),
  };
};
