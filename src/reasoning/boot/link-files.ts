import type { BootFile, Family } from '../../types.js';
import { type LinkFile, route } from './ini-files.js';
import type { IpStatement } from './ip-words.js';

/** netplan's YAML, as far as lists of routes and rules and single values go. */
export function netplanFile({ lines }: BootFile): LinkFile {
  const items: { list: string; values: Map<string, string> }[] = [];
  let list = '';
  let depth = 0;
  let dynamic = false;
  for (const { text } of lines) {
    const [, indent = '', dash, rest = ''] = /^(\s*)(- +)?(.*)$/.exec(text) ?? [];
    const [, key = '', value = ''] = /^([\w-]+):\s*(.*)$/.exec(rest) ?? [];
    if (dash === undefined && indent.length <= depth) list = '';
    if (value === '' && (key === 'routes' || key === 'routing-policy')) [list, depth] = [key, indent.length];
    if (/^dhcp[46]$/.test(key) && /^(?:true|yes|on)\b/.test(value)) dynamic = true;
    if (/^gateway[46]$/.test(key)) items.push({ list: 'routes', values: new Map([['via', plain(value)]]) });
    if (list === '' || (value === '' && dash === undefined)) continue;
    if (dash !== undefined) items.push({ list, values: new Map() });
    for (const [name, said] of rest.startsWith('{') ? flow(rest) : [[key, value] as const]) items.at(-1)?.values.set(name, plain(said));
  }
  return { statements: items.map(netplanStatement), dynamic, forwards: false };
}

function plain(value: string): string {
  return value
    .replace(/\s+#.*$/, '')
    .trim()
    .replace(/^(["'])(.*)\1$/, '$2');
}

function flow(text: string): (readonly [string, string])[] {
  return text
    .replace(/^\{|\}\s*$/g, '')
    .split(',')
    .map((part): readonly [string, string] => [part.slice(0, part.indexOf(':')).trim(), part.slice(part.indexOf(':') + 1).trim()]);
}

function netplanStatement({ list, values }: { list: string; values: ReadonlyMap<string, string> }): IpStatement {
  const said = (key: string) => values.get(key);
  if (list === 'routes') {
    const to = said('to');
    return route(to === '0.0.0.0/0' || to === '::/0' ? undefined : to, said('via'), [
      ['table', said('table')],
      ['type', said('type')],
    ]);
  }
  const keys = ['from', 'to', 'table', 'priority'] as const;
  const words = [
    ...keys.flatMap((key) => (said(key) === undefined ? [] : [key, said(key) ?? ''])),
    ...(said('mark') ? ['fwmark', said('mark') ?? ''] : []),
  ];
  return { object: 'rule', families: [words.some((word) => word.includes(':')) ? 6 : 4], words };
}

/** Stanzas of interfaces(5) but for their commands. */
export function interfacesFile({ lines }: BootFile): LinkFile {
  const gateways = lines.flatMap(({ text }) => /^\s*gateway\s+(\S+)/.exec(text)?.[1] ?? []);
  return {
    statements: gateways.map((gateway) => route(undefined, gateway, [])),
    dynamic: lines.some(({ text }) => /^\s*iface\s+\S+\s+inet6?\s+(?:dhcp|auto)\b/.test(text)),
    forwards: false,
  };
}

/** Files below /etc/sysconfig: route-LINK and rule-LINK in ip's words, SUSE's columns, and shell variables. */
export function ifcfgFile({ path, lines }: BootFile): LinkFile {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const family: Family = /^(?:route6|rule6)-/.test(name) ? 6 : 4;
  const dynamic = lines.some(({ text }) => /^\s*BOOTPROTO=["']?(?:dhcp|auto)/i.test(text));
  const statements = lines.flatMap(({ text }): IpStatement[] => {
    const words = text.trim().split(/\s+/);
    if (/^(?:rule6?|ifrule)-/.test(name)) return [ruleLine(words, family)];
    if (/^(?:ifroute-|routes$)/.test(name)) return [route(words[0], words[1] === '-' ? undefined : words[1], [])];
    const gateway = /^\s*(?:GATEWAY\d*|DEFAULTGW)=["']?([^"'\s]+)/.exec(text)?.[1];
    if (gateway !== undefined) return [route(undefined, gateway, [])];
    return /^route6?-/.test(name) && !text.includes('=') ? [{ object: 'route', families: [family], words }] : [];
  });
  return { statements, dynamic, forwards: false };
}

function ruleLine(words: readonly string[], family: Family): IpStatement {
  const said = words[0] === 'ipv6' || words[0] === '-6' ? 6 : family;
  return { object: 'rule', families: [said], words };
}
