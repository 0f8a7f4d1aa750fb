/** Stages, nodes and their params as lines for a person. */
import type {NodeFacts, ParamFacts, PortFacts, StageFacts} from '../../pipeline/inspect/params.js';
import type {Json} from '../../pipeline/stage.js';
import type {Services} from '../cli-context.js';
import {clip, nameColumn, nameCell, widthOf, wrapped} from '../terminal/columns.js';
import {createColors, oneLine} from '../terminal/paint.js';

type Page = Pick<Services, 'colours' | 'width'>;
/** What a stage is imported as from `r1/stages`, where it is one of these. */
type Importable = StageFacts & {readonly export?: string};

/** Columns of a long text, so that the eye finds the next line. */
const WIDEST = 110;
const INDENT = '    ';
const GAP = '   ';
/** Letters of a value that are shown; `--json` has all of them. */
const LONGEST_VALUE = 400;

const widthOfText = ({width}: Page): number => Math.min(width, WIDEST);
const block = (text: string, page: Page): readonly string[] => wrapped(oneLine(text), widthOfText(page), INDENT);

/** Every stage with what it does, takes and makes. */
export function stagesText(stages: readonly Importable[], page: Page): string {
  const paint = createColors(page.colours);
  const wide = nameColumn(
    stages.map(({stage}) => stage),
    4,
  );
  const lines = stages.flatMap((facts) => [
    facts.trains
      ? `${paint.bold(nameCell(facts.stage, wide))}  ${paint.yellow('trains')}`
      : paint.bold(clip(oneLine(facts.stage), wide)),
    ...(facts.summary === undefined ? [] : block(facts.summary, page)),
    ...portLines(facts, page).map(paint.dim),
  ]);
  const trains = stages.filter((stage) => stage.trains).length;
  return [
    ...lines,
    '',
    `${stages.length} stages, of which ${trains} train; r1 params STAGE explains the params of one`,
    'any program is a stage, too, and so is a function of your own: stages/README.md, “Add a stage”',
  ].join('\n');
}

const portText = ({port, kind, many, optional}: PortFacts): string =>
  `${port} (${[kind, ...(many === true ? ['any number'] : []), ...(optional === true ? ['optional'] : [])].join(', ')})`;

const portLines = ({inputs, outputs}: Omit<StageFacts, 'params'>, page: Page): readonly string[] => [
  ...(inputs.length === 0 ? [] : block(`takes ${inputs.map(portText).join(', ')}`, page)),
  ...block(`makes ${outputs.map(portText).join(', ')}`, page),
];

/** What there is to know of a stage, beside its params. */
function traits({trains, canFinishEarly, isSeeded}: Omit<StageFacts, 'params'>): string {
  const parts = [
    ...(trains ? ['trains'] : []),
    ...(canFinishEarly ? ['can be ended early (r1 finish)'] : []),
    isSeeded ? 'depends on the run’s seed' : 'is the same for every seed',
  ];
  return parts.join(', ');
}

/** A stage with all of its params. @param of.isNode whether the recipe has a node of this name, too */
export function stageText(
  facts: Importable,
  {recipe, nodes, isNode}: {readonly recipe: string; readonly nodes: readonly string[]; readonly isNode: boolean},
  page: Page,
): string {
  const paint = createColors(page.colours);
  const known = facts.export === undefined ? '' : `import {${facts.export}} from 'r1/stages'; `;
  return [
    paint.bold(oneLine(facts.stage)),
    ...(facts.summary === undefined ? [] : block(facts.summary, page)),
    ...portLines(facts, page),
    ...block(`${known}${traits(facts)}`, page).map(paint.dim),
    '',
    ...paramLines(
      facts.params.map((param) => ({...param, value: param.default, isDefault: true})),
      page,
    ),
    '',
    ...(nodes.length === 0
      ? []
      : wrapped(oneLine(`nodes of ${recipe} with this stage: ${nodes.join(', ')}`), widthOfText(page), '')),
    ...(isNode || nodes.length > 0
      ? [`r1 params ${isNode ? facts.stage : nodes[0]!} --recipe ${recipe} shows what the recipe says`]
      : ['r1 params NODE --recipe RECIPE shows what a recipe says']),
  ].join('\n');
}

/** A node with all params, those of the recipe beside the defaults. @param typed the recipe as it is typed, with its profile */
export function nodeText(facts: NodeFacts, typed: string, page: Page): string {
  const paint = createColors(page.colours);
  const {node, recipe, stage, wired, definitions, params} = facts;
  const changed = params.filter(({isDefault}) => !isDefault).map(({name}) => name);
  const example = changed[0] ?? params[0]?.name;
  return [
    paint.bold(oneLine(`${node}: stage ${stage.stage}, recipe ${recipe}`)),
    ...(stage.summary === undefined ? [] : block(stage.summary, page)),
    ...(wired.length === 0
      ? []
      : block(
          `takes ${wired.map(({port, name, from}) => `${name === undefined ? port : `${port}.${name}`} from ${from.node}:${from.port}`).join(', ')}`,
          page,
        )),
    ...block(`makes ${stage.outputs.map(portText).join(', ')}`, page),
    ...Object.entries(definitions).flatMap(([option, names]) => block(`${option}: ${names.join(', ')}`, page)),
    ...block(traits(stage), page).map(paint.dim),
    ...(changed.length === 0
      ? []
      : block(`the recipe sets ${changed.length} of ${params.length} params: ${changed.join(', ')}`, page)),
    '',
    ...paramLines(params, page),
    ...(example === undefined
      ? []
      : ['', oneLine(`r1 plan ${typed} --set ${node}.${example}=VALUE shows what a change would run`)]),
  ].join('\n');
}

type Shown = ParamFacts & {readonly value: Json; readonly isDefault: boolean};

function paramLines(params: readonly Shown[], page: Page): readonly string[] {
  const paint = createColors(page.colours);
  if (params.length === 0) return ['it has no params'];
  return params.flatMap(({name, value, default: standard, isDefault, range, about}) => {
    const own = `${oneLine(name)} = ${valueText(value)}`;
    const head = isDefault ? own : `${own}  (default ${valueText(standard)})`;
    const heads = wrapped(oneLine(head), widthOfText(page), INDENT, '');
    const painted = heads.map(isDefault ? paint.bold : paint.yellow);
    // On the same line where there is room, so that a page holds more of them.
    const beside = heads.length === 1 && widthOf(head) + widthOf(range) + GAP.length <= widthOfText(page);
    const may = paint.dim(oneLine(range));
    return [
      ...(beside ? [`${painted[0]!}${GAP}${may}`] : [...painted, ...block(range, page).map(paint.dim)]),
      ...(about === undefined ? [] : block(about, page)),
    ];
  });
}

/** On one line, with spaces at which it can be broken. */
const valueText = (value: Json): string =>
  clip(
    JSON.stringify(value, undefined, 1)
      .replace(/([[{])\n */g, '$1')
      .replace(/\n *([\]}])/g, '$1')
      .replace(/\n */g, ' '),
    LONGEST_VALUE,
  );
