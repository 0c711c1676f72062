import { z } from 'zod';
import type { ErrorKind, FactName, Facts, NginxProcesses, Ping, Socket } from '../types.js';
import { bootConfiguration } from './schema-boot.js';
import { firewallTables } from './schema-firewall.js';
import { list, page, port, record, text, whole } from './schema-parts.js';
import * as routing from './schema-routing.js';

const errorKind: z.ZodType<ErrorKind> = z.enum([
  'setsockopt-transparent',
  'bind',
  'capset',
  'worker-died',
  'worker-user',
  'connect-refused',
  'connect-unreachable',
  'connect-cannot-assign',
  'upstream-timeout',
  'no-live-upstreams',
  'worker-connections',
  'transparent-unsupported',
  'stream-unknown',
]);

/** A type, class or permission: they stand in commands of a cure. */
const selinuxName = z.string().regex(/^\w{1,100}$/);

const processStatus = {
  pid: whole,
  parent: whole,
  uid: whole,
  gid: whole,
  effectiveCapabilities: text,
  permittedCapabilities: text,
  boundingCapabilities: text,
  noNewPrivileges: z.boolean(),
  startedAt: z.number(),
};

const nginx: z.ZodType<NginxProcesses> = z.object({
  masters: list(
    z.object({
      ...processStatus,
      commandLine: text,
      executable: text,
      workingDirectory: text,
      prefix: text,
      configFile: text,
      root: text,
      version: text.exactOptional(),
      configureArguments: text,
      streamModule: text.exactOptional(),
      globalDirectives: text.exactOptional(),
      workers: list(z.object(processStatus)),
    }),
  ),
  elsewhere: list(z.object({ pid: whole, commandLine: text })),
});

const socket: z.ZodType<Socket> = z.object({
  protocol: z.enum(['tcp', 'udp']),
  state: text,
  localAddress: text,
  localPort: port,
  link: text.exactOptional(),
  peerAddress: text.exactOptional(),
  peerPort: port.exactOptional(),
  process: z.object({ name: text, pid: whole }).exactOptional(),
  v6only: z.boolean().exactOptional(),
});

const configFile = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), text: page, modifiedAt: z.number() }),
  z.object({ ok: z.literal(false), why: text }),
]);

const pings: z.ZodType<readonly Ping[]> = list(z.object({ to: text, from: text.exactOptional(), ok: z.boolean(), text }));

/** The form of every fact, so that the code behind never meets another one. The compiler holds it to types/facts.ts. */
export const factSchemas: { readonly [N in FactName]: z.ZodType<Facts[N]> } = {
  clock: z.object({ epochSeconds: z.number(), utcOffsetSeconds: z.number(), uptimeSeconds: z.number() }),
  platform: z.object({
    os: text,
    family: list(text),
    versionId: text,
    kernel: text,
    vendor: text.exactOptional(),
    product: text.exactOptional(),
    virtualization: text.exactOptional(),
    init: z.enum(['systemd', 'other']),
  }),
  ...routing,
  sysctls: record(text),
  iptablesLegacy: firewallTables,
  iptablesNft: firewallTables,
  nft: firewallTables,
  sockets: list(socket),
  counters: record(z.number()),
  kernelFeatures: z.object({ release: text, features: record(z.boolean().optional()) }),
  nginx,
  nginxConfig: list(
    z.object({ master: whole, main: text, prefix: text, base: text, files: record(configFile), globs: record(list(text)) }),
  ),
  nginxErrors: list(
    z.object({
      master: whole,
      at: z.number(),
      kind: errorKind,
      errno: whole.exactOptional(),
      client: text.exactOptional(),
      upstream: text.exactOptional(),
      server: text.exactOptional(),
      source: z.object({ file: text, line: whole.exactOptional() }),
      text,
    }),
  ),
  nginxClients: list(z.object({ address: text, at: z.number().exactOptional(), status: whole.exactOptional(), log: text })),
  hostNames: record(list(text)),
  selinux: z.object({
    mode: z.enum(['enforcing', 'permissive', 'disabled']),
    denials: list(
      z.object({
        at: z.number(),
        permissions: list(selinuxName),
        source: selinuxName,
        target: selinuxName,
        class: selinuxName,
        port: port.exactOptional(),
        text,
      }),
    ),
    unread: text.exactOptional(),
  }),
  pings,
  outbound: pings,
  tools: list(text),
  networkManagers: list(text),
  bootConfiguration,
};
