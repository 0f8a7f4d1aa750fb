/** What a request puts in the place of a recipe's stages: `trainer`, all that one program trains, and `replace`, `node=stage`. */
import {UserError} from '../../artifacts/index.js';
import type {AnyStage} from '../stage.js';
import {suggestion} from './did-you-mean.js';
import type {Wiring} from './nodes.js';
import type {StageAt} from './wire.js';

/** What a person can ask for. */
export interface StandInRequest {
  /** Nodes are trained by this program, where one of `stages` stands in for theirs. */
  readonly trainer?: string | undefined;
  /** Stages in the place of the recipe's: `node=stage`, by the stage's name. */
  readonly replace?: readonly string[] | undefined;
}

export interface StandIns {
  readonly at: StageAt;
  /** @throws UserError where a node or a trainer that was asked for has found nothing to stand in for */
  check(wiring: Wiring): void;
}

/**
 * @param known those that can stand in; asked for only where there is something to stand in for
 * @returns `undefined` where nothing is asked for
 * @throws UserError where there is no such trainer or stage
 */
export async function openStandIns(
  {trainer, replace = []}: StandInRequest,
  known: (() => Promise<readonly AnyStage[]>) | undefined,
): Promise<StandIns | undefined> {
  if (trainer === undefined && replace.length === 0) return undefined;
  const stages = (await known?.()) ?? [];
  const trained = trainer === undefined ? new Map<string, AnyStage>() : stagesOf(trainer, stages);
  const replaced = new Map(replace.map((words) => replacement(words, stages)));
  if (replaced.size < replace.length)
    throw new UserError('bad-argument', 'replace: a node is given twice', {hint: 'leave one of them out'});
  let count = 0;
  const found = new Set<string>();
  return {
    at(id, stage) {
      const named = replaced.get(id);
      if (named !== undefined) found.add(id);
      const standIn = trained.get(stage.name);
      if (standIn !== undefined) count++;
      return named ?? standIn;
    },
    check(wiring) {
      const lost = [...replaced.keys()].find((id) => !found.has(id));
      if (lost !== undefined)
        throw new UserError(
          'not-found',
          `replace: there is no node “${lost}” in recipe “${wiring.recipe}”${suggestion(lost, wiring.nodes.keys())}`,
        );
      if (trainer !== undefined && count === 0)
        throw new UserError(
          'bad-argument',
          `trainer ${trainer}: recipe “${wiring.recipe}” has no node that it could train`,
          {
            hint: `it stands in for the stages ${[...trained.keys()].join(', ')}`,
          },
        );
    },
  };
}

/** Name of a stage → what stands in for it. */
function stagesOf(trainer: string, stages: readonly AnyStage[]): Map<string, AnyStage> {
  const known = stages.flatMap((stage) =>
    stage.replaces === undefined ? [] : [{stage, replaced: stage.replaces.stage, trainer: stage.replaces.trainer}],
  );
  const its = known.filter((one) => one.trainer === trainer);
  if (its.length > 0) return new Map(its.map(({replaced, stage}) => [replaced, stage]));
  const names = [...new Set(known.map((one) => one.trainer))];
  throw new UserError('not-found', `there is no trainer “${trainer}”${suggestion(trainer, names)}`, {
    hint: names.length === 0 ? 'none is known here' : `there is ${names.join(', ')}`,
  });
}

function replacement(words: string, stages: readonly AnyStage[]): [string, AnyStage] {
  const [, node, name] = /^([^=]+)=(.+)$/s.exec(words) ?? [];
  if (node === undefined || name === undefined)
    throw new UserError('bad-argument', `replace takes NODE=STAGE, not “${words}”`, {
      hint: 'as in cold-start-sft=trl-sft',
    });
  const stage = stages.find((one) => one.name === name);
  if (stage === undefined)
    throw new UserError(
      'not-found',
      `replace ${words}: there is no stage “${name}”${suggestion(
        name,
        stages.map((one) => one.name),
      )}`,
      {hint: `there is ${stages.map((one) => one.name).join(', ')}`},
    );
  return [node, stage];
}
