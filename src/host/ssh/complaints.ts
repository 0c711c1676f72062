import { type SshTarget, textOf } from './destination.js';

/** What ssh, sudo or a shell says, and what a person can do about it. Jump hosts are named where they say the same. */
interface Complaint {
  said: RegExp;
  tell(target: SshTarget, groups: Readonly<Record<string, string | undefined>>): string;
}

/** The command line that a person tries it with. */
const byHand = ({ host, user, port, config }: SshTarget): string =>
  ['ssh', config && `-F ${config}`, port && `-p ${port}`, user ? `${user}@${host}` : host].filter(Boolean).join(' ');

const who = ({ user }: SshTarget): string => user ?? 'the user that ssh logs in as';

/** The first that fits counts, so causes stand above what follows from them. Patterns are kept from running over lines. */
const complaints: readonly Complaint[] = [
  {
    said: /^(?:Offending \S+ key in (?<place>[^\n]+)\n.*)?^Host key for (?<host>\S+) has changed /ms,
    tell: (_, { host, place = 'known_hosts' }) =>
      `the host key of ${host} is not the one in ${place}: another machine answers, or it was installed anew; only when you know which, remove that line and log in once by hand`,
  },
  {
    said: /^No (?<kind>\S+) host key is known for (?<host>\S+) and /m,
    tell: (target, { kind, host }) =>
      `the ${kind} host key of ${host} is not known here: log in once by hand (${byHand(target)}), compare the key that it shows, and accept it there`,
  },
  {
    said: /REVOKED HOST KEY DETECTED|^Host key verification failed/m,
    tell: (target) => `its host key was not accepted; ${byHand(target)} tells more`,
  },
  {
    said: /^sudo: (?:a password is required|no tty present|a terminal is required)/m,
    tell: (target) =>
      `sudo asks ${who(target)} for a password, which nobody can type: allow it without one there (NOPASSWD in sudoers), or log in as root`,
  },
  {
    said: /^sudo: sorry, you must have a tty/m,
    tell: (target) => `sudo there wants a terminal: lift requiretty for ${who(target)} in sudoers, or log in as root`,
  },
  { said: /^sudo: not found/m, tell: (target) => `${who(target)} is not root, and there is no sudo: log in as root` },
  {
    said: /^sudo: (?<line>[^\n]+)/m,
    tell: (target, { line }) => `sudo refuses ${who(target)}: ${line}; allow it there, or log in as root`,
  },
  {
    said: /^(?<user>\S+) is not (?:in the sudoers file|allowed to )[^\n]*|^Sorry, user (?<sorry>\S+) [^\n]*/m,
    tell: (_, { user, sorry = user }) => `sudo refuses ${sorry}: allow it there in sudoers (NOPASSWD), or log in as root`,
  },
  {
    said: /^(?:Permissions \S+ for '(?<key>[^'\n]+)' are too open.*)?^(?<place>\S+): Permission denied \((?<methods>[\w,-]*)\)/ms,
    tell: (target, { key, place, methods }) =>
      key === undefined
        ? `${place}: permission denied (${methods}): tpdoctor types no password or passphrase; see that "${byHand(target)}" asks for none (authorized_keys there, ssh-agent here)`
        : `${place}: permission denied, since others may read the key ${key}: chmod 600 it`,
  },
  {
    said: /Too many authentication failures/,
    tell: () => 'it was offered too many keys before the right one: name that one with IdentityFile and IdentitiesOnly in ssh_config',
  },
  {
    said: /^ssh: connect to host (?<host>\S+) port (?<port>\d+): Connection refused/m,
    tell: (_, { host, port }) => `${host} refuses connections on port ${port}: sshd does not run there, or listens on another port`,
  },
  {
    said: /^ssh: connect to host (?<host>\S+) port (?<port>\d+): (?<line>[^\n]+)/m,
    tell: (_, { host, port, line }) =>
      `${host} is not reached on port ${port} (${line?.trim()}): see that it is up and the way there is open`,
  },
  {
    said: /^Connection timed out during banner exchange|^Connection to \S+ port \d+ timed out|^no answer within/m,
    tell: () => 'no answer in time: see that it is up and the way there is open, or give it a longer --timeout',
  },
  {
    said: /^ssh: Could not resolve hostname (?<host>\S+): (?<line>[^\n]+)/m,
    tell: (_, { host, line }) => `the name ${host} is not known (${line}): see its spelling, or give it a HostName in ssh_config`,
  },
  { said: /^ssh: not found/m, tell: () => 'ssh is not installed on this machine (package openssh-client)' },
  {
    said: /^(?<line>[^\n]*(?:Bad configuration option|no argument after keyword|Bad owner or permissions)[^\n]*)/m,
    tell: (_, { line }) => `ssh does not take its configuration: ${line}`,
  },
  {
    said: /^Timeout, server \S+ not responding|client_loop: send disconnect|^Connection to \S+ closed by remote host|exit code 255$/m,
    tell: () => 'the connection was lost',
  },
  {
    said: /^kex_exchange_identification: (?<line>[^\n]+)|^(?<closed>Connection (?:closed|reset) by [^\n]+)/m,
    tell: (target, { line, closed = line }) => `the connection ended before the login (${closed}): "${byHand(target)} -v" tells where`,
  },
  {
    said: /This account is currently not available|^[^\n]*\bsh: not found|exec: sh: [^\n]*|^ended by|^exit code/m,
    tell: (target) => `the shell of ${who(target)} there does not run sh: it needs a login shell that runs commands, and a POSIX sh`,
  },
];

/** What was said when a host was not reached, or could not be asked, as one line: what, where, what to do. */
export function explainSsh(target: SshTarget, text: string): string {
  // ssh ends its lines as a terminal wants them.
  const said = text.replaceAll('\r', '');
  for (const { said: pattern, tell } of complaints) {
    const found = pattern.exec(said);
    if (found) return `${textOf(target)}: ${tell(target, found.groups ?? {})}`;
  }
  return `${textOf(target)}: ${(said.split('\n')[0] ?? '').slice(0, 500)}`;
}
