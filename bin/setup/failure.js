/** The one kind of failure that set-up expects: a sentence about what is wrong, and what the reader can do about it. */
export class SetupError extends Error {
  /**
   * @param {string} message what is wrong, in one sentence
   * @param {readonly string[]} ways the ways out, one a line; what a failed tool printed may stand there too
   */
  constructor(message, ways = []) {
    super(message);
    this.name = 'SetupError';
    this.ways = ways;
  }
}
