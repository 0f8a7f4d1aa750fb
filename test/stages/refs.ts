/** Refs to definitions of fixtures, as a stage is handed them. */
import type {DefinitionRef} from '../../pipeline/definition.js';

const refTo = (file: string, kind: string, exported: string): DefinitionRef => ({
  kind,
  name: exported,
  module: new URL(`../fixtures/definitions/${file}.js`, import.meta.url).href,
  export: exported,
});

export const rewardRef = (exported: string): DefinitionRef => refTo('rewards', 'reward', exported);
export const taskRef = (exported: string): DefinitionRef =>
  refTo(exported === 'sorting' ? 'sorting' : 'tasks', 'task', exported);
