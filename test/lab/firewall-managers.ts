/*
 * firewalld and ufw as a host runs them. Both keep files below /etc and talk through /run, so their host gets mounts of its own first: the
 * real machine sees nothing of them. `Lab.exec` enters these mounts by the process whose id is in mounts.pid.
 */

/** Name of the file, in a host's directory, with the id of the process that holds its mounts. */
export const mountsFile = 'mounts.pid';

const waitUntil = (what: string, condition: string): string =>
  `tries=0; until ${condition}; do tries=$((tries+1)); [ $tries -lt 200 ] || { echo "not in time: ${what}" >&2; exit 1; }; sleep 0.05; done`;

/** Mounts of its own: an empty /run and /var/log, and a copy of /etc. What follows in the same script is not inside yet. */
export const ownMounts = `unshare --mount sh -ec '
  mount -t tmpfs none /run
  mount -t tmpfs none /var/log
  cp -a /etc /run/etc
  mount --bind /run/etc /etc
  mkdir -p /run/dbus
  echo $$ > ${mountsFile}.new
  mv ${mountsFile}.new ${mountsFile}
  exec sleep infinity' >/dev/null 2>&1 </dev/null &
${waitUntil('the host has mounts of its own', `[ -e ${mountsFile} ]`)}`;

/** Inside own mounts. What is set before the daemon starts: options of firewall-offline-cmd, and `Key=value` of firewalld.conf. */
export const startFirewalld = (...settings: readonly string[]): string =>
  [
    'dbus-daemon --system --fork --nopidfile',
    ...settings.map((each) => (each.startsWith('-') ? `firewall-offline-cmd ${each} >/dev/null 2>&1` : configure(each))),
    'firewalld --nopid',
    waitUntil('firewalld runs', 'firewall-cmd --state >/dev/null 2>&1'),
  ].join('\n');

const configure = (line: string): string => `sed -i 's/^${line.split('=')[0]}=.*/${line}/' /etc/firewalld/firewalld.conf`;

/** Inside own mounts. `rules` are what follows the word ufw. */
export const startUfw = (...rules: readonly string[]): string =>
  [...rules, '--force enable'].map((rule) => `ufw ${rule} >/dev/null`).join('\n');
