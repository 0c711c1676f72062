import type { ChangedSysctl } from '../../cures/piece.js';
import { factOf } from '../../path/world.js';
import type { BootConfiguration, BootFile, Facts, Snapshot } from '../../types.js';
import type { BootCommand, BootPlace } from './commands.js';
import { matchesGlob } from './glob.js';
import { isWild } from './shell-words.js';

/** What a sysctl will be after a boot; `value` is absent where that cannot be told. */
export interface BootValue {
  value?: string;
  at: BootPlace;
}

const directories = ['/etc/sysctl.d/', '/run/sysctl.d/', '/usr/local/lib/sysctl.d/', '/usr/lib/sysctl.d/', '/lib/sysctl.d/'];

/** Files in the order in which systemd-sysctl reads them: by base name, of one name only that of the first directory (sysctl.d(5)). */
export function sysctlOrder(files: readonly BootFile[], systemd: boolean): BootFile[] {
  const inDirectories = directories.flatMap((directory) => files.filter(({ path }) => path.startsWith(directory)));
  const base = ({ path }: BootFile) => path.slice(path.lastIndexOf('/') + 1);
  const unique = [...new Map(inDirectories.toReversed().map((file) => [base(file), file])).values()];
  const sorted = unique.sort((a, b) => (base(a) < base(b) ? -1 : 1));
  // systemd reads /etc/sysctl.conf only where sysctl.d has a link to it.
  return [
    ...sorted,
    ...(systemd ? [] : files.filter(({ path }) => path === '/etc/sysctl.conf')),
    ...files.filter(({ kind }) => kind === 'ufw-sysctl'),
  ];
}

interface Assignment extends BootValue {
  key: string;
}

/** Dots and slashes change places where a dot comes first (sysctl.d(5)). */
export function sysctlPath(key: string): string {
  const first = key.search(/[./]/);
  if (first < 0 || key[first] === '/') return key;
  return key.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}

function assignmentsOf({ path, lines }: BootFile): { key: string; value: string | undefined; at: BootPlace }[] {
  return lines.flatMap(({ text, line }) => {
    const [, key = '', assigned] = /^\s*-?\s*([^=\s]+)\s*(?:=\s*(.*?)\s*)?$/.exec(text) ?? [];
    return key === '' ? [] : [{ key: sysctlPath(key), value: assigned, at: { path, ...(line === undefined ? {} : { line }) } }];
  });
}

/** `sysctl -w KEY=VALUE` and `echo VALUE > /proc/sys/KEY`. */
function assignmentOf({ tool, args, at, opaque }: BootCommand): Assignment[] {
  const known = (value: string | undefined) => (value === undefined || opaque || isWild(value) ? {} : { value });
  if (tool === 'sysctl')
    return args.flatMap((word) => {
      const [key = '', value] = word.split('=');
      return value === undefined ? [] : [{ key: sysctlPath(key), ...known(value), at }];
    });
  if (tool !== 'echo') return [];
  const target = args[args.indexOf('>') + 1]?.match(/^\/proc\/sys\/(.*)$/)?.[1];
  return target === undefined ? [] : [{ key: target, ...known(args[0]), at }];
}

/** The value that a sysctl gets at boot, by the last that sets it; undefined where nothing does and the kernel's own default holds. */
export function bootSysctl(
  snapshot: Snapshot,
  files: readonly BootFile[],
  commands: readonly BootCommand[],
): (path: string) => BootValue | undefined {
  const systemd = factOf(snapshot, 'platform')?.init === 'systemd';
  const fromFiles = sysctlOrder(
    files.filter(({ kind }) => kind === 'sysctl' || kind === 'ufw-sysctl'),
    systemd,
  ).flatMap(assignmentsOf);
  const fromCommands = commands.flatMap(assignmentOf);
  return (path) => {
    const same = new Set(synonyms(path));
    const command = fromCommands.findLast(
      ({ key }) => same.has(key) || (isWild(key) && matchesGlob(key.replace(/\$\{?\w+\}?/g, '*'), path)),
    );
    if (command) return command;
    const exact = fromFiles.findLast(({ key, value }) => same.has(key) && value !== undefined);
    // A key without value takes it out of what patterns match; a key of its own goes before every pattern.
    const excluded = fromFiles.some(({ key, value }) => same.has(key) && value === undefined);
    const found =
      exact ??
      (excluded ? undefined : fromFiles.findLast(({ key, value }) => value !== undefined && key.includes('*') && matchesGlob(key, path)));
    return found?.value === undefined ? undefined : { value: found.value, at: found.at };
  };
}

function synonyms(path: string): string[] {
  const forwarding = ['net/ipv4/ip_forward', 'net/ipv4/conf/all/forwarding'];
  return forwarding.includes(path) ? forwarding : [path];
}

/** The kernel's own defaults; everything else that is looked at is 0. */
const kernelDefaults: ReadonlyMap<string, string> = new Map([
  ['net/ipv4/ip_early_demux', '1'],
  ['net/ipv4/udp_early_demux', '1'],
]);

const perLink = /^net\/ipv4\/conf\/([^/]+)\/(rp_filter|accept_local|src_valid_mark)$/;
const single = ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding', 'net/ipv4/ip_early_demux', 'net/ipv4/udp_early_demux'];

/** The sysctls that decide about the packets of a proxy and that a boot sets otherwise than they are now. */
export function changedSysctls(
  snapshot: Snapshot,
  boot: BootConfiguration,
  valueAtBoot: (path: string) => BootValue | undefined,
  madeToForward: boolean,
): ChangedSysctl[] {
  const sysctls: Facts['sysctls'] = factOf(snapshot, 'sysctls') ?? {};
  if (boot.incomplete !== undefined) return [];
  const keys = Object.keys(sysctls).filter((key) => single.includes(key) || (perLink.test(key) && !key.includes('/conf/default/')));
  return keys.flatMap((key): ChangedSysctl[] => {
    const now = sysctls[key] ?? '0';
    if (madeToForward && /forward/.test(key)) return [];
    const [, link, name] = perLink.exec(key) ?? [];
    // A link takes its value from `default` when it is made.
    const inherited = link === undefined || link === 'all' ? undefined : valueAtBoot(`net/ipv4/conf/default/${name}`);
    const said = valueAtBoot(key) ?? inherited;
    if (said && said.value === undefined) return [];
    const then = said?.value ?? kernelDefaults.get(key) ?? '0';
    return Number(then) === Number(now) ? [] : [{ key, now, then, ...(said ? { at: said.at } : {}) }];
  });
}
