/**
 * A model card: the README.md that lies beside the weights of an exported model, as model hubs show it (Mitchell et al., arXiv
 * 1810.03993).
 */
import {canonicalJson, shortDigest} from '../../artifacts/index.js';

import {askedText} from '../../stages/evaluation/asked.js';
import {valueText} from '../../stages/evaluation/report/index.js';
import type {CardData, CardFacts, CardScores, CardStep} from '../access/model-card.js';

/** Below it a model shows how a recipe works, and nothing of what larger ones do. */
const TOY = 10_000_000;

/** The card as Markdown; equal facts give equal text. */
export function modelCard(facts: CardFacts): string {
  const {node, stage, recipe, run, digest, files, config, parameters, steps, data, scores, unread} = facts;
  const weights = files.filter(({path}) => path.endsWith('.safetensors'));
  const sections = [
    ['---', 'library_name: transformers', 'pipeline_tag: text-generation', 'tags:', '- r1', '---'].join('\n'),
    `# ${node} of ${recipe}`,
    `The model that the node \`${node}\` (stage \`${stage}\`) of the recipe \`${recipe}\` made in run ${run}: ${parameters === undefined ? 'weights' : `${grouped(parameters)} parameters`}${shapeText(config)}.`,
    bullets([`artifact: \`${digest}\``, ...weights.map(({path, sha256}) => `\`${path}\`: sha256 \`${sha256}\``)]),
    '## How it was made',
    'Each line is made from lines above it. Equal inputs, params, code and seed give equal bytes on one class of machine.',
    table(
      ['node', 'stage', 'seed', 'made'],
      steps.map((step) => [
        step.node,
        step.stage,
        step.stage === 'source' ? '' : String(step.seed),
        step.outputs.map(({port, digest: its}) => `${port} \`@${shortDigest(its)}\``).join(', '),
      ]),
    ),
    ...early(steps),
    paramsText(steps),
    '## Data',
    dataText(data),
    '## Scores',
    scoresText(scores, unread),
    '## Limits',
    bullets(limits(facts)),
    '## Look closer',
    '```sh\n' +
      [`r1 lineage @${shortDigest(digest)}`, `r1 show @${shortDigest(digest)}`, `r1 reproduce ${run}/${node}`].join(
        '\n',
      ) +
      '\n```',
  ];
  return `${sections.join('\n\n')}\n`;
}

function early(steps: readonly CardStep[]): string[] {
  const cut = steps.filter(({isWhole}) => !isWhole).map(({node}) => `\`${node}\``);
  return cut.length === 0 ? [] : [`Ended early by hand, before the last step of its params: ${cut.join(', ')}.`];
}

const dataText = (data: readonly CardData[]): string =>
  data.length === 0
    ? 'No data set is known to the store: whatever the weights have learned, they learned before they came into it.'
    : bullets(
        data.map(
          ({node, port, kind, digest, usedBy}) =>
            `\`${node}:${port}\`, ${kind} \`${digest}\`: read by ${usedBy.join(', ')}`,
        ),
      );

function scoresText(scores: readonly CardScores[], unread: readonly string[]): string {
  const others = unread.map(
    (node) =>
      `${node} evaluated these weights; what it wrote is not there any more, or is of another shape than r1's scores.`,
  );
  if (scores.length + others.length === 0) return 'None: nothing in the store has evaluated these weights.';
  const own = scores.map(({node, digest, suite, template, temperature, topP, k, scores: rows, ...asked}) => {
    const what = suite === undefined ? node : `${suite.title} (${node})`;
    const how = `${askedText(template, asked)}; temperature ${temperature}, top-p ${topP}, ${k} ${k === 1 ? 'sample' : 'samples'} a prompt; \`@${shortDigest(digest)}\``;
    const lines = rows.map((row) => [row.metric, valueText(row), String(row.problems), String(row.samples)]);
    return `**${what}**: ${how}\n\n${table(['metric', 'mean, 95 % interval over problems', 'problems', 'samples'], lines)}`;
  });
  return [...own, ...others].join('\n\n');
}

function limits({scores, steps, data, parameters}: CardFacts): string[] {
  const isRated = scores.some(({scores: rows}) => rows.some(({metric}) => metric === 'safe'));
  return [
    ...(parameters !== undefined && parameters < TOY
      ? [
          `${grouped(parameters)} parameters show how the recipe works. They say nothing about what a model of useful size would do.`,
        ]
      : []),
    ...(scores.length === 0
      ? []
      : [
          'Intervals say how much would change with other problems of the same kind; not with another seed of the training, another wording of the prompt, or other tasks.',
        ]),
    isRated
      ? 'Safety was scored by a rubric on held-out requests of a few families, and by nothing else that is known here.'
      : 'Nothing was measured of its safety.',
    ...(data.length === 0
      ? []
      : ['No bias of the data above was looked for beyond what their cards count (`r1 show`).']),
    ...(steps.some(({stage}) => stage === 'source' || stage.startsWith('import-') || stage.startsWith('fetch-'))
      ? ['Part of it came from elsewhere, and with it a licence, which these files do not name.']
      : []),
  ];
}

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

const grouped = (value: number): string => value.toLocaleString('en');
/** A line break or a backtick would end what it stands in. */
const oneLine = (value: string): string => value.replaceAll(/[\s`]+/g, ' ').trim();

/** What a config says of the model's size, by the names that transformers has for it. */
function shapeText(config: CardFacts['config']): string {
  const said = [
    ['model_type', ''],
    ['num_hidden_layers', ' layers'],
    ['hidden_size', ' wide'],
    ['vocab_size', ' tokens'],
    ['max_position_embeddings', ' positions'],
  ] as const;
  const known = said.flatMap(([name, unit]) => {
    const value = config[name];
    return typeof value === 'string' || typeof value === 'number' ? [`${oneLine(String(value))}${unit}`] : [];
  });
  return known.length === 0 ? '' : ` (${known.join(', ')})`;
}

/** Every param of every step, folded away. */
function paramsText(steps: readonly CardStep[]): string {
  const lines = steps
    .filter(({stage}) => stage !== 'source')
    .map(({node, params}) => `${JSON.stringify(node)}: ${canonicalJson(params)}`);
  const json = `{${lines.join(',\n ')}}`;
  // Longer than any row of tildes within.
  const fence = '~'.repeat(Math.max(3, ...[...json.matchAll(/~+/g)].map(([row]) => row.length + 1)));
  return `<details>\n<summary>Every param</summary>\n\n${fence}json\n${json}\n${fence}\n\n</details>`;
}
