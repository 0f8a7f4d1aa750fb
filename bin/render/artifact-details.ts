/** What the store knows about an artifact, for people. */
import type {ArtifactDetails, Maker} from '../../artifacts/queries/artifact-details.js';
import {shortDigest} from '../../artifacts/index.js';
import type {InputEdge, Json, Store} from '../../artifacts/index.js';
import {inAWord, outcomeIn} from '../../pipeline/outcome.js';
import {earlyText} from './outcome.js';
import {bytesText, durationText} from './quantity.js';
import {tableText} from './table.js';
import {typed} from './typed.js';
import {whenText} from './when.js';
import {createColors, oneLine} from '../terminal/paint.js';

export interface ArtifactTextOptions {
  readonly colours: boolean;
  readonly store: Store;
}

/** More files than this are only counted. */
const FILES = 60;

/** Characters of a param or of a verdict: a table of longer ones is slow to lay out, and nobody reads it. */
const VALUE = 2000;

function short(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= VALUE ? text : `${text.slice(0, VALUE)}… (${text.length} characters; --json has them all)`;
}

/** `[['learningRate', '0.001'], …]` of an object; nothing of anything else. */
function entriesOf(value: Json | undefined): readonly (readonly [string, Json])[] {
  return value !== undefined && value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.entries(value)
    : [];
}

export function artifactText(details: ArtifactDetails, {colours, store}: ArtifactTextOptions): string {
  const {bold, cyan, dim, red, green} = createColors(colours);
  const {artifact, kind, makers, usedBy, troubles} = details;

  const inputText = ({port, name, artifact: digest, madeBy}: InputEdge): string => {
    const maker = store.attempt(madeBy)!;
    const output = maker.outputs.find((edge) => edge.artifact === digest);
    const at = name === '' ? port : `${port}.${name}`;
    return `${at} ← ${maker.node}:${output?.port ?? ''}  ${cyan(`@${shortDigest(digest)}`)}  ${dim(`attempt ${madeBy}`)}`;
  };

  const verdictText = ({reproductions}: Maker): string => {
    const newest = reproductions[0];
    if (newest === undefined) return dim('never tried (`r1 reproduce`)');
    const colour = newest.verdict === 'reproducible' ? green : red;
    // A success has nothing to say; the runner writes it as an empty object.
    const said = JSON.stringify(newest.detail);
    const detail = said === 'null' || said === '{}' ? '' : `: ${short(newest.detail)}`;
    return `${colour(newest.verdict)}${detail} ${dim(`(${whenText(newest.at)})`)}`;
  };

  const costText = ({attempt}: Maker): string | undefined => {
    const cost = attempt.outcome?.cost;
    if (cost === undefined) return undefined;
    const parts = [durationText(cost.wallMs)];
    if (cost.peakBytes !== undefined) parts.push(`${bytesText(cost.peakBytes)} of memory`);
    if (cost.tokens !== undefined) parts.push(`${cost.tokens} tokens`);
    return parts.join(', ');
  };

  const makerText = (maker: Maker): string => {
    const {attempt} = maker;
    const ingredients = new Map(entriesOf(attempt.ingredients));
    const code = ingredients.get('code');
    const runtime = entriesOf(ingredients.get('runtime'));
    const cost = costText(maker);
    const outcome = attempt.outcome === undefined ? undefined : outcomeIn(attempt.outcome.detail);
    const early = outcome?.reason === 'finished-early' ? earlyText(outcome) : undefined;
    const isSource = attempt.stage === 'source';
    const facts: (readonly [string, string])[] = [
      ['because', attempt.because],
      ...(isSource ? [] : [['seed', String(attempt.seed)] as const]),
      ...entriesOf(attempt.params).map(
        ([name, value], index) => [index === 0 ? 'params' : '', `${name} ${short(value)}`] as const,
      ),
      ...entriesOf(ingredients.get('env')).map(
        ([name, value], index) => [index === 0 ? 'env' : '', `${name}=${short(value)}`] as const,
      ),
      ...entriesOf(ingredients.get('environment')).map(
        ([name, value], index) => [index === 0 ? 'environment' : '', `${name} ${short(value)}`] as const,
      ),
      ...attempt.inputs.map((input, index) => [index === 0 ? 'inputs' : '', inputText(input)] as const),
      ...(typeof code === 'string' ? [['code', cyan(code.slice(0, 8)) + dim(codeText(maker))] as const] : []),
      ...entriesOf(ingredients.get('definitions')).map(
        ([name, digest]) => ['', cyan(short(digest).slice(0, 8)) + dim(` of ${name}`)] as const,
      ),
      ...(runtime.length === 0
        ? []
        : [['runtime', runtime.map(([name, value]) => `${name} ${short(value)}`).join(', ')] as const]),
      ...(attempt.continues === undefined
        ? []
        : [
            [
              'from',
              `a checkpoint of attempt ${attempt.continues.attempt} after step ${attempt.continues.step}${attempt.continues.accepted === undefined ? '' : red(` of other code: ${attempt.continues.accepted}`)}`,
            ] as const,
          ]),
      ...(early === undefined ? [] : [['ended', red(early)] as const]),
      ...(cost === undefined ? [] : [['took', cost] as const]),
      ['when', whenText(attempt.outcome?.at ?? attempt.startedAt)],
      ['runs', maker.runs.join(', ')],
      ...(isSource ? [] : [['verdict', verdictText(maker)] as const]),
    ];
    return [
      `made by ${bold(`${attempt.node}:${maker.port}`)}  ${dim(`${attempt.stage}, attempt ${attempt.id}, run ${attempt.run}`)}`,
      tableText(
        facts.map(([name, text]) => [dim(name), text]),
        {indent: '  '},
      ),
    ].join('\n');
  };

  const [first, ...others] = makers;
  const files = artifact.files
    .slice(0, FILES)
    .map(({path, bytes, sha256, executable}) => [
      path === '' ? '(the file itself)' : path,
      bytesText(bytes),
      dim(sha256) + (executable === true ? '  executable' : ''),
    ]);
  const state =
    troubles.length === 0 ? 'all there' : red(troubles.map(({path, trouble}) => `${path} is ${trouble}`).join(', '));
  const labels = [...details.tags.map((tag) => `@${tag}`), ...(details.pinned ? ['pinned'] : [])];
  const count = artifact.files.length;
  return [
    `${bold(kind)} ${cyan(`@${shortDigest(artifact.digest)}`)}  ${bytesText(artifact.bytes)} in ${count} ${count === 1 ? 'file' : 'files'}${labels.length === 0 ? '' : `  ${labels.join(', ')}`}`,
    tableText(
      [
        [dim('digest'), artifact.digest],
        [dim('bytes'), state],
      ],
      {indent: '  '},
    ),
    '',
    tableText(files, {right: [1], indent: '  '}),
    ...(count > FILES ? [dim(`  … and ${count - FILES} more (--json lists all)`)] : []),
    ...(details.rows.length === 0 ? [] : ['', rowsText(details, first!)]),
    '',
    makerText(first!),
    ...others.map(
      ({attempt, port}) => `also made by ${attempt.node}:${port}  ${dim(`attempt ${attempt.id}, run ${attempt.run}`)}`,
    ),
    '',
    usedBy.length === 0 ? 'used by nothing yet' : 'used by',
    ...(usedBy.length === 0
      ? []
      : [
          tableText(
            usedBy
              .slice(0, FILES)
              .map(({node, port, name, stage, attempt, run, reason}) => [
                bold(node),
                name === '' ? port : `${port}.${name}`,
                dim(`${stage}, attempt ${attempt}, run ${run}`),
                reason === 'succeeded' ? '' : red(reason === undefined ? 'not finished' : inAWord(reason)),
              ]),
            {indent: '  '},
          ),
        ]),
    ...(usedBy.length > FILES ? [dim(`  … and ${usedBy.length - FILES} more (\`r1 lineage --down\`)`)] : []),
  ].join('\n');
}

/** The first rows by id, and how the way of the first of all is asked for. */
function rowsText({rows}: ArtifactDetails, {attempt, port}: Maker): string {
  const lines = rows.flatMap(({file, ids, isCut}) => [
    file === '' ? 'rows' : `rows of ${file}`,
    ...[...ids, ...(isCut ? ['…'] : [])].map((id) => `  ${oneLine(id)}`),
  ]);
  return [...lines, `r1 trace ${typed(rows[0]!.ids[0]!)} --in ${attempt.run}/${attempt.node}:${port}`]
    .map((line) => `  ${line}`)
    .join('\n');
}

/** How much the code digest covers, where that was kept. */
function codeText({codeParts}: Maker): string {
  const files = entriesOf(codeParts).find(([name]) => name === 'files');
  if (files === undefined) return '';
  const count = entriesOf(files[1]).length;
  return `  ${count} source ${count === 1 ? 'file' : 'files'}`;
}
