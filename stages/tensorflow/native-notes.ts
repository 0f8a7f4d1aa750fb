/** What TensorFlow's native code prints about itself, which none of its settings turns off. It says nothing of the stage. */
const NOTE =
  /^(?:WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR|I0000 00:00:\d+\.\d+ +\d+ [\w./]+\.cc:\d+\] .*)$/;

/**
 * Whether a line of a log is a note of TensorFlow about itself: who shows a log to a person leaves it out
 * (`LastWordsOptions.leaveOut`); the file of the log keeps it.
 */
export const isTensorflowNote = (line: string): boolean => NOTE.test(line);
