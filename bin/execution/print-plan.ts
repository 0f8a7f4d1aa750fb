/** A plan with its warnings, as `r1 plan` and `r1 run --dry-run` show it. */
import type {Prepared} from '../../pipeline/plan/prepare.js';
import {planWarnings} from '../../pipeline/plan/warnings.js';
import type {Services} from '../cli-context.js';
import {planJson, planText} from '../render/plan.js';

export function printPlan(prepared: Prepared, services: Services, isJson: boolean): void {
  const {plan} = prepared;
  const {colours, width} = services;
  const warnings = planWarnings(prepared, process.env);
  if (isJson) for (const piece of planJson(plan, warnings)) services.stream(piece);
  else services.say(planText(plan, {colours, width}, warnings));
}
