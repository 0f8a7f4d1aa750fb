/** `r1 verify`: reads every byte again and names what is not as recorded. */
import {Command} from 'commander';
import {UserError, shortDigest} from '../../artifacts/index.js';
import type {Store, UserErrorReason} from '../../artifacts/index.js';
import type {AttemptName, DamagedBlob, VerifyProgress, VerifyReport} from '../../artifacts/upkeep/verify.js';
import {foreignLines} from '../render/gc.js';
import {bytesText} from '../render/quantity.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {withStore} from '../access/with-store.js';

interface VerifyOptions extends GlobalOptions {
  readonly restart?: boolean;
}

function progressText({step, done, total, bytesDone, bytesTotal}: VerifyProgress): string {
  if (step === 'database') return 'checking the database';
  if (step === 'manifests') return `checking manifests: ${done} of ${total}`;
  return `reading: ${done} of ${total} files, ${bytesText(bytesDone)} of ${bytesText(bytesTotal)}`;
}

/** More names than this on a line help nobody. */
const NAMED = 12;

const nameText = ({node, attempt, run}: AttemptName): string => `${node} (attempt ${attempt}, run ${run})`;

function namesText(names: readonly AttemptName[]): string {
  if (names.length === 0) return 'nothing';
  const shown = names.slice(0, NAMED).map(nameText).join(', ');
  return names.length > NAMED ? `${shown} … and ${names.length - NAMED} more (--json)` : shown;
}

function damageText({sha256, state, because, path, files, descendants}: DamagedBlob): string {
  return [
    `${state}: ${because}`,
    `  ${path}`,
    ...files.map(
      ({artifact, kind, path: file, makers}) =>
        `  is ${file === '' ? 'the whole' : `${file} in`} ${kind} @${shortDigest(artifact)}, made by ${namesText(makers)}`,
    ),
    ...(files.length === 0 ? [`  ${sha256} belongs to no artifact`] : []),
    `  made from it: ${namesText(descendants)}`,
  ].join('\n');
}

function reportText({
  artifacts,
  blobs,
  bytes,
  collected,
  resumedAfter,
  database,
  manifests,
  damaged,
  foreign,
  putOutOfUse,
}: VerifyReport): string {
  const read = `${blobs - collected} files of ${artifacts} artifacts, ${bytesText(bytes)}`;
  const notes = [
    ...(resumedAfter > 0
      ? [`${resumedAfter} of them were read before the interruption (--restart reads all again)`]
      : []),
    ...(collected > 0 ? [`${collected} more were collected by \`r1 gc\``] : []),
    ...foreignLines(foreign),
  ];
  const problems = [
    ...database.map((text) => `database: ${text}`),
    ...manifests.map((digest) => `@${shortDigest(digest)}: its files do not give its digest`),
    ...damaged.map(damageText),
  ];
  if (problems.length === 0) return [`everything is as recorded: ${read}`, ...notes].join('\n');
  const makers = damaged.flatMap(({files}) => files.flatMap(({makers: list}) => list.slice(-1)));
  const again =
    makers.length === 0
      ? []
      : [
          putOutOfUse
            ? 'what is damaged is not used any more; `r1 run` makes it again where a recipe still wants it'
            : 'the store is read-only here, so what is damaged was not quarantined: run this again when it can be written to',
        ];
  const restore =
    database.length === 0 ? [] : ['restore store.db from a copy, or start a new store with --store FOLDER'];
  return [
    ...problems,
    ...again,
    ...restore,
    `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${read}`,
    ...notes,
  ].join('\n');
}

/** A store that cannot be written to is verified as well; only the mark to go on from is not kept. */
async function withBestStore<T>(
  services: Services,
  options: GlobalOptions,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  try {
    return await withStore(services, options, 'write', work);
  } catch (error) {
    const unwritable: readonly UserErrorReason[] = ['read-only', 'no-permission', 'disk-full', 'io-error'];
    if (!(error instanceof UserError) || !unwritable.includes(error.reason)) throw error;
    services.complain(`${error.message}; the store is only read`);
    return withStore(services, options, 'read', work);
  }
}

export const verifyCommand = (services: Services): Command =>
  withGlobals(new Command('verify'), ['r1 verify', 'r1 verify --restart --json'])
    .description('read every byte of the store again; names what is damaged and everything made from it (exit code 1)')
    .option('--restart', 'start over instead of continuing an interrupted verification')
    .action(async ({restart, json, ...options}: VerifyOptions) => {
      const {verify} = await import('../../artifacts/upkeep/verify.js');
      await withBestStore(services, options, async (store) => {
        const steps = verify(store, {restart: restart === true});
        let step = await steps.next();
        for (; step.done !== true; step = await steps.next()) services.progress(progressText(step.value));
        services.progress(undefined);
        const report = step.value;
        services.say(json === true ? JSON.stringify(report) : reportText(report));
        if (report.damaged.length + report.database.length + report.manifests.length > 0) services.exit(1);
      });
    });
