/** How messages write what a person may set: as a param of a recipe, or as whoever reads the rows takes it from a command line. */
import type {Columns} from './params.js';

export interface Wording {
  /** A mapping of columns that would help. */
  columns(fields: Columns): string;
  /** A format that would help. */
  format(name: string): string;
}

const quoted = (field: string): string => (field.includes("'") ? JSON.stringify(field) : `'${field}'`);

/** @param param the name of the mapping */
export const inRecipe = (param = 'columns'): Wording => ({
  columns: (fields) =>
    `${param}: {${Object.entries(fields)
      .map(([role, field]) => `${role}: ${quoted(field)}`)
      .join(', ')}}`,
  format: (name) => `format: '${name}'`,
});
