/** Programs with one thing changed get the verdict that they would get if program and tests shared one process. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {gradeProgram} from '../../../../stages/graders/code/grade.js';
import {opened, shortLimits} from '../../../rig/python-sandbox.js';
import {mutantsOf, referenceVerdicts} from './mutants.js';
import {problems} from './problems.js';

test('mutants of solutions fail, and get the verdict of one process for all', {skip: opened.skip}, async () => {
  const python = opened.python!;
  const mutants = await mutantsOf(python, problems, {count: 5, seed: 1});
  assert.ok(mutants.length >= 20, `${mutants.length} mutants`);
  const solutions = problems.map((problem) => ({problem, program: problem.prompt + problem.canonical_solution}));
  const programs = [...solutions, ...mutants];
  const wanted = await referenceVerdicts(python, programs);
  const given: boolean[] = [];
  for (const {problem, program} of programs) {
    const tests = {
      style: 'check',
      entryPoint: problem.entry_point,
      code: problem.test,
      prelude: problem.prompt,
    } as const;
    given.push((await gradeProgram(python, {program, tests}, shortLimits))?.outcome === 'right');
  }
  programs.forEach(({problem, program}, index) => {
    assert.equal(given[index], wanted[index], `${problem.name}:\n${program}`);
  });
  assert.ok(given.slice(0, solutions.length).every(Boolean));
  const failing = given.slice(solutions.length).filter((passes) => !passes).length;
  assert.ok(failing >= 0.9 * mutants.length, `${failing} of ${mutants.length} mutants fail`);
});
