import { z } from 'zod';
import type { BootConfiguration, BootKind } from '../types.js';
import { list, text, whole } from './schema-parts.js';

const kind: z.ZodType<BootKind> = z.enum([
  'iptables-save',
  'nft',
  'interfaces',
  'networkd',
  'networkd-conf',
  'NetworkManager',
  'netplan',
  'sysctl',
  'ufw-sysctl',
  'ufw-rules',
  'ifcfg',
  'firewalld-direct',
  'firewalld-conf',
  'unit',
  'script',
]);

export const bootConfiguration: z.ZodType<BootConfiguration> = z.object({
  files: list(z.object({ path: text, kind, lines: list(z.object({ line: whole.exactOptional(), text })) })),
  enabled: list(text),
  systemd: whole.exactOptional(),
  incomplete: text.exactOptional(),
});
