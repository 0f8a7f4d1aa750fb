/** Texts with places to fill in: `{{question}}`, `{{choices}}`, `{{any field}}`. What is filled in is never looked at again. */
import {letterAt} from '../tasks/answers/choice.js';

const PLACE = /\{\{\s*([^{}]+?)\s*\}\}/g;

/** The names of the places of a text, each once. */
export const placesOf = (text: string): string[] => [...new Set([...text.matchAll(PLACE)].map(([, name]) => name!))];

/**
 * Fills in a text.
 *
 * @param valueOf what belongs in a place; it throws where there is nothing
 */
export const filled = (text: string, valueOf: (name: string) => string): string =>
  text.replaceAll(PLACE, (_, name: string) => valueOf(name));

/** Choices as lines, each written as the suite has it. */
export const choiceLines = (choices: readonly string[], line: string): string =>
  choices
    .map((text, place) => filled(line, (name) => (name === 'letter' ? letterAt(place) : name === 'text' ? text : '')))
    .join('\n');
