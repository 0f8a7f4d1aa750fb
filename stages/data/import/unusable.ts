/** A row that cannot be used. */
import {StageFailure} from '../../../pipeline/stage.js';

/** Says in words why a row is no question with an answer; `why` is one of a few words, for counting. */
export class Unusable extends StageFailure {
  constructor(
    message: string,
    readonly why: string,
  ) {
    super(message);
  }
}
