import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Inventory, InventoryHost } from '../host/inventory.js';
import { parsePrefix } from '../net/prefix.js';
import type { NamedHost } from '../types.js';
import { nearest } from './near.js';
import { UsageError } from './options.js';

interface HostFlags {
  /** A host without a target is one of the inventory, or a group of it. */
  host?: NamedHost[];
  client?: string[];
  inventory?: string;
}

const mostMistakes = 10;

/** The flags with the hosts and clients that the inventory adds: all of its hosts, or those that --host names. Rejects with a UsageError. */
export async function withInventory<F extends HostFlags>(flags: F): Promise<F> {
  const { host: named = [], inventory: file } = flags;
  if (file === undefined) {
    const bare = named.find(({ target }) => target === '');
    if (bare) throw new UsageError(`--host ${bare.name}: expected NAME=TARGET; a name alone is one of --inventory FILE`);
    return flags;
  }
  const inventory = await readInventory(file);
  const chosen = named.some(({ target }) => target === '')
    ? named.flatMap((each) => (each.target === '' ? chosenBy(each.name, inventory, file) : [each]))
    : [...all(inventory), ...named];
  const host = [...new Map(chosen.map((each) => [each.name, each])).values()];
  const client = flags.client ?? [...inventory.clients];
  return { ...flags, host, ...(client.length > 0 ? { client } : {}) };
}

const all = ({ hosts }: Inventory): NamedHost[] => [...hosts].map(([name, host]) => asNamed(name, host));

function chosenBy(name: string, inventory: Inventory, file: string): NamedHost[] {
  const names = inventory.groups.get(name) ?? [name];
  return names.map((each) => {
    const host = inventory.hosts.get(each);
    if (host) return asNamed(each, host);
    const near = nearest(name, [...inventory.hosts.keys(), ...inventory.groups.keys()]);
    throw new UsageError(
      `--host ${name}: ${file} has no such host or group${near.length > 0 ? `; did you mean ${near.join(' or ')}?` : ''}`,
    );
  });
}

const asNamed = (name: string, { target, roles, ssh }: InventoryHost): NamedHost => ({
  name,
  target,
  ...(roles === undefined ? {} : { roles }),
  ...(ssh === undefined ? {} : { ssh }),
});

async function readInventory(file: string): Promise<Inventory> {
  const source = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--inventory: cannot read ${file}: ${error.code ?? error.message}`);
  });
  const { parseInventory } = await import('../host/inventory.js');
  const read = parseInventory(source);
  if (!read.ok) throw new UsageError(mistakesIn(file, read.mistakes));
  for (const client of read.inventory.clients)
    if (!parsePrefix(client)) throw new UsageError(`${file}: "${client}" is no client: expected an address or a prefix`);
  const from = dirname(resolve(file));
  return { ...read.inventory, hosts: new Map([...read.inventory.hosts].map(([name, host]) => [name, withPaths(host, from)])) };
}

function mistakesIn(
  file: string,
  mistakes: Extract<ReturnType<typeof import('../host/inventory.js').parseInventory>, { ok: false }>['mistakes'],
): string {
  const lines = mistakes.slice(0, mostMistakes).map(({ line, column, text, key }) => {
    const near = key ? nearest(key.found, key.known) : [];
    return `${file}:${line}:${column}: ${text}${near.length > 0 ? `; did you mean ${near.join(' or ')}?` : ''}`;
  });
  return [...lines, ...(mistakes.length > mostMistakes ? [`and ${mistakes.length - mostMistakes} more`] : [])].join('\n');
}

/** Files are meant beside the inventory, wherever it is read from. */
function withPaths(host: InventoryHost, from: string): InventoryHost {
  const { ssh } = host;
  const isFile = !/^(?:local$|netns:|[a-z][a-z0-9+]*:\/\/)/i.test(host.target);
  const { config, identityFile } = ssh ?? {};
  return {
    ...host,
    target: isFile ? resolve(from, host.target) : host.target,
    ...(ssh
      ? {
          ssh: {
            ...ssh,
            ...(config === undefined ? {} : { config: resolve(from, config) }),
            ...(identityFile === undefined || identityFile.startsWith('~') ? {} : { identityFile: resolve(from, identityFile) }),
          },
        }
      : {}),
  };
}
