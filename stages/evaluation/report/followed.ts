/** Which trainings a report draws over their steps: what a recipe declares, light enough to be loaded with it. */

/** A training whose models of fixed steps were scored. A type, so that a list of them can be a param as it is. */
export type FollowedTraining = {
  /** The name of its history, and of the scores of the model at its end. */
  readonly node: string;
  /** The name of the scores of the model that it started from: step 0. */
  readonly base: string;
  /** Step → name of the scores of the model after it. These scores are in no other table. */
  readonly snapshots: Readonly<Record<string, string>>;
  /** Names of the scores of models to compare with, drawn as dashed lines. */
  readonly beside?: readonly string[];
};

/** Names of scores that are points of a curve and nothing else. */
export const snapshotNames = (followed: readonly FollowedTraining[]): ReadonlySet<string> =>
  new Set(followed.flatMap(({snapshots}) => Object.values(snapshots)));

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** What is wrong with a list of trainings that no compiler has seen, each mistake a sentence. */
export function followedMistakes(followed: unknown): string[] {
  if (!Array.isArray(followed)) return [];
  return (followed as unknown[]).flatMap((given, place) => {
    const {node, base, snapshots, beside = []} = Object(given) as Readonly<Record<string, unknown>>;
    const called = isText(node) ? `training “${String(node)}”` : `training ${place + 1}`;
    const steps = Object.entries(Object(snapshots) as Readonly<Record<string, unknown>>);
    return [
      ...(isText(node) ? [] : [`${called}: “node” is missing or not a text`]),
      ...(isText(base) ? [] : [`${called}: “base” is missing or not a text`]),
      ...(Array.isArray(beside) && beside.every(isText)
        ? []
        : [`${called}: “beside” should be a list of names of scores`]),
      ...(steps.length > 0 && steps.every(([step, name]) => /^[1-9]\d*$/.test(step) && isText(name))
        ? []
        : [`${called}: “snapshots” should map steps to names of scores: {"25": "zero-rl-step-25"}`]),
    ];
  });
}
