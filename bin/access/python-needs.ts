/** What a plan needs of Python, said before it runs: whether it is there, will be made, or what to install. */
import type {Plan} from '../../pipeline/plan/plan.js';
import {MATH_ENVIRONMENT} from '../../stages/graders/math/index.js';
import {environmentState} from '../../stages/python/environment.js';

/** A line for the nodes that ask for answers to be graded as mathematics, where there are some that would run. */
export async function pythonNeeds({nodes}: Pick<Plan, 'nodes'>): Promise<string[]> {
  const ids = [...nodes].flatMap(([id, {node, action}]) =>
    node.type === 'stage' && node.params['answers'] === 'math' && action !== 'reuse' ? [id] : [],
  );
  if (ids.length === 0) return [];
  const state = await environmentState(MATH_ENVIRONMENT);
  const who = `${ids.join(', ')}: answers are graded by Math-Verify, in Python`;
  if (state.state === 'there') return [`${who}: its environment is there`];
  if (state.state === 'to be made')
    return [`${who} ${state.with.version}: its environment will be made in ${state.folder}`];
  return [`${who}: ${state.problem}; ${state.hint}`];
}
