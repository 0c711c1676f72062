import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * What ssh reads for a connection: first our own terms, which win, then the user's. It holds for jump hosts as well, since ssh hands `-F` on to the
 * ssh that it starts for them; what concerns the last host alone stands on the command line.
 *
 * - Nobody can be asked anything, here or on a jump host.
 * - Host keys: `yes` whatever the user has configured. `ask` could not ask, while `accept-new` and `no` would let whoever answers first tell what root
 *   will be advised to type, and put a key into known_hosts that nobody has looked at. Who has compared a key once by hand loses nothing by it.
 * - Nothing of the user's is written (`UpdateHostKeys`), no master of ours stays behind on a jump host (`ControlMaster`; one that is there is used),
 *   nothing is forwarded, and no command of the user's own is run, here or there.
 * - A link that was cut is noticed within fifteen seconds.
 */
export function configuration({ connectSeconds, config }: { connectSeconds: number; config?: string }): string {
  const theirs = config === undefined ? [usersFile(), '/etc/ssh/ssh_config'] : [resolve(config)];
  return [
    // Not known to ssh before 8.7.
    'IgnoreUnknown ForkAfterAuthentication,SessionType,StdinNull',
    'BatchMode yes',
    'StrictHostKeyChecking yes',
    'UpdateHostKeys no',
    `ConnectTimeout ${connectSeconds}`,
    'ConnectionAttempts 1',
    'ServerAliveInterval 5',
    'ServerAliveCountMax 3',
    'ControlMaster no',
    'ControlPersist no',
    'ForwardAgent no',
    'ForwardX11 no',
    'ClearAllForwardings yes',
    'Tunnel no',
    'PermitLocalCommand no',
    'RemoteCommand none',
    'RequestTTY no',
    'ForkAfterAuthentication no',
    'SessionType default',
    'StdinNull no',
    'LogLevel ERROR',
    ...theirs.map((path) => `Include "${path}"`),
    '',
  ].join('\n');
}

/** In the home that passwd names, where ssh looks for it; a `~` behind Include is what $HOME says. */
function usersFile(): string {
  return join(userInfo().homedir, '.ssh/config');
}

/** ssh refuses a configuration that others could have written, but looks only at the file that it is given. In its own words. */
export function whyRefused({ config }: { config?: string }): string | undefined {
  const file = usersFile();
  const found = config === undefined ? statSync(file, { throwIfNoEntry: false }) : undefined;
  const isSafe = found === undefined || ((found.uid === 0 || found.uid === userInfo().uid) && (found.mode & 0o022) === 0);
  return isSafe ? undefined : `Bad owner or permissions on ${file}`;
}
