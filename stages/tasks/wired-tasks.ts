/**
 * What a recipe gets wrong about the tasks that it wires, said before anything runs. What tasks a dataset or prompts are of is
 * known only where they come straight from a `corpus` or `prompts` node of ours; of whatever else there is nothing is said.
 */
import {isOwn} from '../../pipeline/modules/own-package.js';
import type {Origin} from '../../pipeline/stage.js';
import {BUILT_IN_TASKS} from './names.js';

interface Named {
  readonly name: string;
}

/** What a stage that takes tasks is wired with, as its `check` is told. */
export interface WiredTasks {
  readonly definitions: {readonly tasks: readonly Named[]};
  readonly inputs: readonly string[];
  readonly origins: readonly Origin[];
}

/** Inputs that take prompts. */
const PROMPTS = ['prompts', 'general', 'validation'];

/** Outputs of a `prompts` node whose prompts are of the tasks that it is wired with; the others hold general prompts. */
const SETS = ['train', 'validation', 'heldOut'];

/** What is wrong with the tasks of a stage, each mistake a sentence; empty when nothing is. */
export function taskMistakes(wired: WiredTasks): string[] {
  const taken = namesOf(wired.definitions).filter((name) => (BUILT_IN_TASKS as readonly string[]).includes(name));
  if (taken.length > 0)
    return taken.map((name) => `a task of one's own is called “${name}”, as a built-in one is; give it another name`);
  const unknown = unknownTasks(wired);
  return unknown.length > 0 ? unknown : unaskedTasks(wired);
}

/**
 * The same for `pretrain`, and what is wrong with the documents and the tokenizer under its tasks.
 *
 * @param isGated whether the validation prompts are read
 */
export function groundMistakes(all: WiredTasks, {isGated}: {readonly isGated: boolean}): string[] {
  const inputs = all.inputs.filter((input) => isGated || input !== 'validation');
  const wired = {...all, inputs, origins: all.origins.filter(({input}) => inputs.includes(input))};
  const own = namesOf(wired.definitions);
  const asked = unique(setsOf(wired).flatMap(({definitions}) => namesOf(definitions)));
  const mistakes = taskMistakes(wired);
  const wanted = asked.length > 0 ? asked : own;
  const complaints = new Map<string, string[]>();
  for (const origin of wired.origins.filter((each) => isOurs(each, 'corpus'))) {
    const {input, node} = origin;
    const has = namesOf(origin.definitions);
    const missing = wanted.filter((name) => !has.includes(name));
    // Documents may be about some of the tasks alone, but a tokenizer has to have the words of all prompts that are read.
    const isAllNeeded = input === 'tokenizer' && asked.length > 0;
    if (missing.length === 0 || (missing.length < wanted.length && !isAllNeeded)) continue;
    const mistake =
      `from node “${node}”, which is not wired with ${tasksText(missing)}: ` +
      `add('${node}', …, ${optionText([...has, ...missing])})`;
    complaints.set(mistake, [...(complaints.get(mistake) ?? []), input]);
  }
  for (const [mistake, ports] of complaints)
    mistakes.push(`its ${ports.join(' and ')} ${ports.join() === 'tokenizer' ? 'comes' : 'come'} ${mistake}`);
  return mistakes;
}

/** Prompts of tasks that the node does not know. */
function unknownTasks(wired: WiredTasks): string[] {
  const own = namesOf(wired.definitions);
  return setsOf(wired).flatMap(({input, node, definitions}) => {
    const missing = namesOf(definitions).filter((name) => !own.includes(name));
    if (missing.length === 0) return [];
    return [
      `its ${input === 'prompts' ? '' : `${input} `}prompts come from node “${node}”, which is wired with ` +
        `${tasksText(missing)}, and it is not: ` +
        optionText([...own, ...missing]),
    ];
  });
}

/** Tasks of which there is not one prompt. Some too many do no harm: one list of tasks may serve a whole recipe. */
function unaskedTasks(wired: WiredTasks): string[] {
  const own = namesOf(wired.definitions);
  const sets = setsOf(wired);
  const isKnown = (port: string): boolean =>
    wired.origins.some((origin) => origin.input === port && isOurs(origin, 'prompts'));
  const isAllKnown = wired.inputs.filter((port) => PROMPTS.includes(port)).every(isKnown);
  const isAsked = sets.some(({definitions}) => namesOf(definitions).some((name) => own.includes(name)));
  if (own.length === 0 || !isAllKnown || isAsked) return [];
  return unique(sets.map(({node}) => node)).map(
    (node) =>
      `it is wired with ${tasksText(own)}, but its prompts come from node “${node}”, which is not: ` +
      `add('${node}', …, ${optionText(own)})`,
  );
}

const setsOf = ({origins}: WiredTasks): Origin[] =>
  origins.filter(
    (origin) => PROMPTS.includes(origin.input) && isOurs(origin, 'prompts') && SETS.includes(origin.output),
  );

const isOurs = ({stage}: Origin, name: 'corpus' | 'prompts'): boolean => stage.name === name && isOwn(stage.module);

const namesOf = ({tasks = []}: {readonly tasks?: readonly Named[]}): readonly string[] => tasks.map(({name}) => name);

const unique = (names: readonly string[]): string[] => [...new Set(names)];

const tasksText = (names: readonly string[]): string =>
  `the ${names.length === 1 ? 'task' : 'tasks'} ${names.map((name) => `“${name}”`).join(', ')}`;

/** What to write as the last argument of `add`. */
const optionText = (names: readonly string[]): string => `{tasks: [${names.join(', ')}]}`;
