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

/** Every field that a followed training may have. */
const FIELDS: readonly string[] = ['node', 'base', 'snapshots', 'beside'] satisfies (keyof FollowedTraining)[];

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** What is wrong with a list of trainings that no compiler has seen, each mistake a sentence. */
export function followedMistakes(followed: unknown): string[] {
  if (!Array.isArray(followed)) return [];
  return (followed as unknown[]).flatMap((given, place) => {
    const {node, base, snapshots, beside = []} = Object(given) as Readonly<Record<string, unknown>>;
    const called = isText(node) ? `training “${String(node)}”` : `training ${place + 1}`;
    const steps = Object.entries(Object(snapshots) as Readonly<Record<string, unknown>>);
    const names = steps.map(([, name]) => name);
    const shown = [node, base, ...(Array.isArray(beside) ? (beside as unknown[]) : [])];
    const unknown = Object.keys(Object(given) as object).filter((name) => !FIELDS.includes(name));
    const isTwice = (followed as unknown[])
      .slice(0, place)
      .some((other) => (Object(other) as {readonly node?: unknown}).node === node);
    return [
      ...unknown.map((name) => `${called}: there is no field “${name}”; there are ${FIELDS.join(', ')}`),
      ...(isText(node) && isTwice ? [`${called} is there twice`] : []),
      ...names
        .filter((name, index) => isText(name) && (shown.includes(name) || names.indexOf(name) !== index))
        .map(
          (name) => `${called}: “${String(name)}” is a snapshot and something else; each step has scores of its own`,
        ),
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
