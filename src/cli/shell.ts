import type { OutputFormat } from '../commands/arguments.js';
import type { CheckResult, Io } from '../commands/options.js';

/** Flags that say how a report is told. */
export interface ReportFlags {
  output: OutputFormat;
  json?: true;
  color: boolean;
  quiet?: true;
  verbose?: true;
}

/** What a verb may use of the command line that it is part of. */
export interface Shell {
  version: string;
  /** Runs a verb with something to speak through, prints its report in the format asked for and sets the exit code. */
  report(flags: ReportFlags, run: (speech: Io) => Promise<CheckResult>): Promise<void>;
}
