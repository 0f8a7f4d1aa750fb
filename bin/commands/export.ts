/** `r1 export`: a model, or any other artifact, as plain files of its own; a model as a GGUF file, too. */
import {existsSync, statSync} from 'node:fs';
import {Command, Option} from 'commander';
import {writeFile} from 'node:fs/promises';
import {join, resolve as absolute} from 'node:path';
import {UserError, shortDigest} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import type {ResolvedArtifact} from '../../artifacts/queries/reference.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import {bytesText} from '../render/quantity.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {EXPORT_TYPES} from '../../stages/model/gguf/export-types.js';
import type {ExportType} from '../../stages/model/gguf/export-types.js';
import {withModelFolder} from '../access/model-folder.js';
import {withStore} from '../access/with-store.js';
import {EXIT} from '../exit-codes.js';
import {onStopSignal} from '../terminal/stop-signals.js';

interface ExportFlags {
  readonly format?: 'folder' | 'gguf';
  readonly type?: ExportType;
  readonly card: boolean;
}

export const exportCommand = (services: Services): Command =>
  withGlobals(new Command('export'), [
    'r1 export all-scenario-rl ./r1-model',
    'r1 export 3/full-sft:model ./full-sft',
    'r1 export @best ./best',
    'r1 export all-scenario-rl ./r1-model.gguf --format gguf --type q8_0',
  ])
    .description(
      'copy a model (or any artifact) out of the store into a folder; models load in transformers and vLLM as they are, ' +
        'and with --format gguf in llama.cpp',
    )
    .argument('<reference>', '[run/]node[:port], @digest, @tag, or a path with a slash; a node stands for its model')
    .argument('<folder>', 'empty, or not yet there; with --format gguf a file that is not yet there')
    .addOption(
      new Option('--format <format>', 'a folder as it is in the store, or a GGUF file').choices(['folder', 'gguf']),
    )
    .addOption(new Option('--type <type>', 'how a GGUF file stores numbers; f16 unless given').choices(EXPORT_TYPES))
    .option('--no-card', 'without the model card, README.md: the folder is then byte by byte what the store has')
    .action(
      async (reference: string, folder: string, {format, type, card, ...options}: GlobalOptions & ExportFlags) => {
        const {json} = options;
        if (format === 'gguf') return exportGguf(services, options, {reference, file: folder, type: type ?? 'f16'});
        if (type !== undefined)
          throw new UserError('bad-argument', '--type is about GGUF files', {hint: 'add --format gguf'});
        const {exportArtifact} = await import('../../artifacts/export/copy-out.js');
        await withStore(services, options, 'read', async (store) => {
          refuseOddTarget(folder);
          const made = await resolveOutput(store, reference);
          const {output} = made;
          const artifact = await runInterruptibly(services, (stop) =>
            exportArtifact(store, output.artifact, absolute(folder), stop),
          );
          if (artifact === undefined) return;
          const hasCard = card && output.kind === 'model' && (await writeCard(store, made, folder));
          services.say(
            json === true
              ? JSON.stringify({
                  artifact: artifact.digest,
                  kind: output.kind,
                  folder: absolute(folder),
                  bytes: artifact.bytes,
                  files: artifact.files,
                  ...(hasCard ? {card: CARD} : {}),
                })
              : `${output.kind} @${shortDigest(artifact.digest)}: ${artifact.files.length} ${artifact.files.length === 1 ? 'file' : 'files'}, ${bytesText(artifact.bytes)}, in ${folder}${hasCard ? `, with the model card ${CARD}` : ''}`,
          );
        });
      },
    );

const CARD = 'README.md';

/** Writes the card beside the weights, unless the model is one file, or came with a card of its own. @returns whether it did */
async function writeCard(store: Store, made: ResolvedArtifact, folder: string): Promise<boolean> {
  const file = join(absolute(folder), CARD);
  if (!statSync(absolute(folder)).isDirectory() || existsSync(file)) return false;
  const [{cardFacts}, {modelCard}] = await Promise.all([
    import('../access/model-card.js'),
    import('../render/model-card.js'),
  ]);
  await writeFile(file, modelCard(await cardFacts(store, made, absolute(folder))), {flag: 'wx'});
  return true;
}

async function exportGguf(
  services: Services,
  options: GlobalOptions,
  {reference, file, type}: {readonly reference: string; readonly file: string; readonly type: ExportType},
): Promise<void> {
  refuseOddTarget(file);
  if (existsSync(file)) {
    const what = statSync(file).isDirectory() ? 'is a folder, and a GGUF model is one file' : 'exists already';
    throw new UserError('target-not-empty', `${file} ${what}`, {hint: 'give a path where there is nothing yet'});
  }
  const [{ggufFromFolder}, {openTokenizer}] = await Promise.all([
    import('../../stages/model/gguf/index.js'),
    import('../../stages/text/tokenizer.js'),
  ]);
  await withModelFolder(services, options, reference, async (folder, stop) => {
    const tokenizer = await openTokenizer(folder);
    const bytes = await ggufFromFolder(folder, absolute(file), {type, tokenizer, stop});
    services.say(
      options.json === true
        ? JSON.stringify({model: reference, file: absolute(file), type, bytes})
        : `${reference} as GGUF, ${type}: ${bytesText(bytes)}, in ${file}`,
    );
  });
}

/** The only output of a node, or its only model. */
async function resolveOutput(store: Store, reference: string): Promise<ResolvedArtifact> {
  const {resolve, resolveArtifact} = await import('../../artifacts/queries/reference.js');
  const found = await resolve(store, reference, {suggest: suggestion});
  const {attempt, output} = found;
  const models = attempt.outputs.filter(({kind}) => kind === 'model');
  if (output !== undefined) return {...found, output};
  if (models.length === 1) return {...found, output: models[0]!};
  return resolveArtifact(store, reference, {suggest: suggestion});
}

function refuseOddTarget(folder: string): void {
  if (folder !== '' && folder !== '-') return;
  const what = folder === '' ? 'the target is an empty string' : 'an artifact is files, which stdout cannot take';
  throw new UserError('bad-argument', what, {
    hint: `give a folder that is empty or not there yet${folder === '-' ? '; ./- is one called “-”' : ''}`,
  });
}

/** Undefined when it was interrupted; what was half copied is gone then. */
async function runInterruptibly<T>(
  services: Services,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const stop = new AbortController();
  const stopListening = onStopSignal(() => stop.abort());
  try {
    return await work(stop.signal);
  } catch (error) {
    if (error !== stop.signal.reason) throw error;
    services.exit(EXIT.stopped);
    return undefined;
  } finally {
    stopListening();
  }
}
