/** The built-in tasks. */
import {choice} from './answers/choice.js';
import {code} from './answers/code.js';
import {dials} from './answers/dials.js';
import {drop} from './answers/drop.js';
import {exact} from './answers/exact.js';
import {f1} from './answers/f1.js';
import {ifEval} from './answers/if-eval.js';
import {integer} from './answers/integer.js';
import {judged} from './answers/judged.js';
import {math} from './answers/math.js';
import {dialsLines, mendDials} from './dials-grammar.js';
import {languageConsistency} from './language.js';
import type {BuiltInTask} from './names.js';
import {isHelpful, isSafe} from './rubric.js';
import type {Task, Tasks} from './task.js';

const tasks: {readonly [name in BuiltInTask]: Task & {readonly name: name}} = {
  dials: {
    name: 'dials',
    reasoning: true,
    answer: dials,
    mend: mendDials,
    lines: dialsLines,
    consistency: languageConsistency,
  },
  integer: {name: 'integer', reasoning: true, answer: integer},
  exact: {name: 'exact', reasoning: true, answer: exact},
  choice: {name: 'choice', reasoning: true, answer: choice},
  f1: {name: 'f1', reasoning: true, answer: f1},
  code: {name: 'code', reasoning: true, answer: code},
  math: {name: 'math', reasoning: true, answer: math},
  drop: {name: 'drop', reasoning: true, answer: drop},
  'if-eval': {name: 'if-eval', reasoning: true, answer: ifEval},
  judge: {name: 'judge', reasoning: true, answer: judged},
  general: {
    name: 'general',
    reasoning: false,
    consistency: languageConsistency,
    rubric: {helpful: isHelpful, safe: isSafe},
    // Safety where help would do harm, helpfulness everywhere else.
    preference: ({scenario}) => (scenario?.kind === 'refuse' ? 'safe' : 'helpful'),
  },
};

export const builtInTasks: Tasks = new Map(Object.entries(tasks));
