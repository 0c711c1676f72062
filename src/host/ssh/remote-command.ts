import { commandLine } from '../../cures/shell.js';

/**
 * Runs the arguments as root. Only root sees all of a host's network and may capture: others go through sudo, which must not ask, since
 * nobody could answer. What sudo says is read by this program, hence in English.
 */
const asRoot = `
LC_ALL=C
PATH="\${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin:/usr/local/bin"
export LC_ALL PATH
[ "$(id -u)" -ne 0 ] || exec "$@"
command -v sudo >/dev/null 2>&1 || {
  printf 'sudo: not found\\n' >&2
  exit 127
}
exec sudo -n -- "$@"
`;

/** All but what means nothing to any shell between single quotes, nor to printf's %b between double quotes. */
const meaningful = /[^A-Za-z0-9 _,.:;=+@/|&<>(){}[\]*?~^#%-]/gu;

/**
 * The one string that sshd hands to the login shell of the user there, which may be csh, fish or busybox: there is no quote but the outer ones,
 * and no line break, `!` or other backslash that one of them would read in its own way. The program goes as octal digits, from which POSIX sh makes it.
 */
export function remoteCommand(command: readonly [string, ...string[]]): string {
  const program = `set -- ${commandLine(...command)}\n${asRoot}`;
  return `exec sh -c 'eval "$(printf %b "${octal(program)}")"'`;
}

function octal(program: string): string {
  const bytes = (part: string): string => Array.from(Buffer.from(part), (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');
  return program.replace(meaningful, bytes);
}
