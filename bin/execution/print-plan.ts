/** A plan with its warnings, as `r1 plan` and `r1 run --dry-run` show it. */
import type {Prepared} from '../../pipeline/plan/prepare.js';
import {environmentNeedText, environmentNeeds} from '../../pipeline/plan/environments.js';
import {planWarnings} from '../../pipeline/plan/warnings.js';
import type {Services} from '../cli-context.js';
import {graderNeedText, graderNeeds} from '../access/grader-needs.js';
import {planJson, planText} from '../render/plan.js';

/** @param heading what is planned, where that is not all in the recipe's name */
export async function printPlan(
  prepared: Prepared,
  services: Services,
  {json = false, heading = []}: {readonly json?: boolean | undefined; readonly heading?: readonly string[]} = {},
): Promise<void> {
  const {plan} = prepared;
  const {colours, width} = services;
  const warnings = planWarnings(prepared, process.env);
  const [graders, environments] = await Promise.all([graderNeeds(plan), environmentNeeds(plan)]);
  if (json) for (const piece of planJson(plan, warnings, graders, environments)) services.stream(piece);
  else {
    const needs = [...graders.map(graderNeedText), ...environments.map(environmentNeedText)];
    services.say([...heading, ...needs, planText(plan, {colours, width}, warnings)].join('\n'));
  }
}
