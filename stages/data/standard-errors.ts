/** Columns of a history that hold how sure the mean in another column is. */

/** In front of the name of a measure. */
const ERROR = 'error/';

/** The column that holds the standard error of a measure's mean, with the questions of the step as the unit. */
export const errorOf = (measure: string): string => `${ERROR}${measure}`;

/** Whether a column holds standard errors. */
export const isErrorOf = (column: string): boolean => column.startsWith(ERROR);
