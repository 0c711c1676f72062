/** Quotes an argument for POSIX sh. What needs no quotes gets none, so that commands stay readable. */
export function quote(argument: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

/** One command line from its arguments. */
export function commandLine(...args: readonly (string | number)[]): string {
  return args.map((argument) => quote(String(argument))).join(' ');
}
