import { familyOf } from '../../net/address.js';
import type { BootFile, Family } from '../../types.js';
import { matchesGlob } from './glob.js';
import type { IpStatement } from './ip-words.js';

export interface Section {
  name: string;
  line?: number;
  entries: readonly (readonly [key: string, value: string])[];
}

export function sectionsOf({ lines }: BootFile): Section[] {
  const sections: { name: string; line?: number; entries: (readonly [string, string])[] }[] = [];
  for (const { text, line } of lines) {
    const name = /^\s*\[([^\]]*)\]/.exec(text)?.[1];
    if (name !== undefined) sections.push({ name, ...(line === undefined ? {} : { line }), entries: [] });
    const [, key, value] = /^\s*([\w-]+)\s*=\s*(.*)$/.exec(text) ?? [];
    if (key !== undefined && value !== undefined) sections.at(-1)?.entries.push([key, value.trim()]);
  }
  return sections;
}

/** What one file says about links: rules and routes in ip's words, whether addresses come by DHCP, whether it makes the host forward. */
export interface LinkFile {
  statements: readonly IpStatement[];
  dynamic: boolean;
  forwards: boolean;
}

const ruleKeys: readonly (readonly [string, string])[] = [
  ['From', 'from'],
  ['To', 'to'],
  ['FirewallMark', 'fwmark'],
  ['Table', 'table'],
  ['Priority', 'priority'],
  ['IncomingInterface', 'iif'],
  ['OutgoingInterface', 'oif'],
  ['IPProtocol', 'ipproto'],
  ['SourcePort', 'sport'],
  ['DestinationPort', 'dport'],
];

/** systemd.network(5). A file whose [Match] names none of the host's links is applied to none. */
export function networkdFile(file: BootFile, links: readonly string[]): LinkFile {
  const sections = sectionsOf(file);
  const value = ({ entries }: Section, key: string) => entries.findLast(([name]) => name === key)?.[1];
  const matched = sections.filter(({ name }) => name === 'Match').flatMap((section) => value(section, 'Name')?.split(/\s+/) ?? []);
  if (matched.length > 0 && !matched.some((pattern) => links.some((link) => matchesGlob(pattern, link)))) return nothing;
  const statements = sections.flatMap((section): IpStatement[] => {
    const said = (key: string) => value(section, key);
    if (section.name === 'RoutingPolicyRule') {
      const words = ruleKeys.flatMap(([key, word]) => (said(key) === undefined ? [] : [word, said(key) ?? '']));
      const not = /^(?:yes|true|1|on)$/.test(said('InvertRule') ?? '') ? ['not'] : [];
      return [{ object: 'rule', families: families(said('Family'), said('From') ?? said('To')), words: [...not, ...words] }];
    }
    if (section.name === 'Route')
      return [
        route(said('Destination'), said('Gateway'), [
          ['table', said('Table')],
          ['type', said('Type')],
        ]),
      ];
    if (section.name !== 'Network') return [];
    return section.entries.filter(([key]) => key === 'Gateway').map(([, gateway]) => route(undefined, gateway, []));
  });
  const network = sections.filter(({ name }) => name === 'Network').flatMap(({ entries }) => entries);
  return {
    statements,
    dynamic: network.some(([key, text]) => key === 'DHCP' && !/^(?:no|false|0|off|none)$/.test(text)),
    forwards: network.some(([key, text]) => /Forward|IPMasquerade/.test(key) && !/^(?:no|false|0|off|none)$/.test(text)),
  };
}

const nothing: LinkFile = { statements: [], dynamic: false, forwards: false };

function families(said: string | undefined, address: string | undefined): Family[] {
  if (said === 'both') return [4, 6];
  if (said === 'ipv6') return [6];
  return [said === 'ipv4' ? 4 : (familyOf(address?.split('/')[0] ?? '') ?? 4)];
}

/** A route in ip's words; its family is that of its addresses. */
export function route(
  to: string | undefined,
  via: string | undefined,
  more: readonly (readonly [string, string | undefined])[],
): IpStatement {
  const family = familyOf((via ?? to ?? '').split('/')[0] ?? '') ?? 4;
  const options = more.flatMap(([key, text]) => (text === undefined || text === '' ? [] : [key, text]));
  return { object: 'route', families: [family], words: [to ?? 'default', ...(via === undefined ? [] : ['via', via]), ...options] };
}

/** A keyfile of NetworkManager, nm-settings-keyfile(5). */
export function connectionFile(file: BootFile, links: readonly string[]): LinkFile {
  const sections = sectionsOf(file);
  const link = sections.flatMap(({ entries }) => entries).find(([key]) => key === 'interface-name')?.[1];
  if (link !== undefined && !links.includes(link)) return nothing;
  const internet = sections.filter(({ name }) => name === 'ipv4' || name === 'ipv6');
  const methods = internet.flatMap(({ entries }) => entries.filter(([key]) => key === 'method').map(([, method]) => method));
  return {
    statements: internet.flatMap((section) => connectionStatements(section)),
    dynamic: methods.includes('auto'),
    forwards: methods.includes('shared'),
  };
}

function connectionStatements({ name, entries }: Section): IpStatement[] {
  const family: Family = name === 'ipv6' ? 6 : 4;
  const options = new Map(entries.filter(([key]) => key.endsWith('_options')));
  return entries.flatMap(([key, value]): IpStatement[] => {
    if (/^routing-rule\d*$/.test(key)) return [{ object: 'rule', families: [family], words: value.split(/[\s,]+/) }];
    const [first = '', gateway = ''] = value.split(/[,;]/);
    const via = gateway === '' || gateway === '0.0.0.0' || gateway === '::' ? undefined : gateway;
    if (/^route\d*$/.test(key)) {
      const said = (options.get(`${key}_options`) ?? '').split(',').map((text) => text.split('='));
      const option = (word: string) => said.find(([option]) => option === word)?.[1];
      return [
        {
          ...route(first, via, [
            ['table', option('table')],
            ['type', option('type')],
          ]),
          families: [family],
        },
      ];
    }
    if (key === 'gateway') return [route(undefined, first, [])];
    return /^address\d*$/.test(key) && via !== undefined ? [route(undefined, via, [])] : [];
  });
}
