/** The built-in tasks. */
import {code} from './answers/code.js';
import {dials} from './answers/dials.js';
import {exact} from './answers/exact.js';
import {integer} from './answers/integer.js';
import {math} from './answers/math.js';
import {mendDials} from './dials-grammar.js';
import {languageConsistency} from './language.js';
import type {BuiltInTask} from './names.js';
import {isHelpful, isSafe} from './rubric.js';
import type {Task, Tasks} from './task.js';

const tasks: {readonly [name in BuiltInTask]: Task & {readonly name: name}} = {
  dials: {name: 'dials', reasoning: true, answer: dials, mend: mendDials, consistency: languageConsistency},
  integer: {name: 'integer', reasoning: true, answer: integer},
  exact: {name: 'exact', reasoning: true, answer: exact},
  code: {name: 'code', reasoning: true, answer: code},
  math: {name: 'math', reasoning: true, answer: math},
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
