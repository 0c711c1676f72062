import type { BootConfiguration, BootFile, BootKind } from '../../src/types.js';
import type { Change } from './article.js';
import { changeFact } from './change.js';

/** A boot file from its text, all lines counted. */
export function bootFile(kind: BootKind, path: string, text: string): BootFile {
  const lines = text.split('\n').map((line, i) => ({ line: i + 1, text: line }));
  return { kind, path, lines: lines.filter((line) => !/^\s*(?:[#;].*)?$/.test(line.text)) };
}

/** Says what a host's boot brings; without it a made host is one whose boot files say nothing about its network namespace. */
export function setBoot(host: string, { files = [], enabled = ['ssh'], ...rest }: Partial<BootConfiguration> = {}): Change {
  return (hosts) => {
    const snapshot = hosts.get(host);
    if (!snapshot) throw new Error(`no host ${host}`);
    hosts.set(host, { ...snapshot, facts: { ...snapshot.facts, bootConfiguration: { ok: true, value: { files, enabled, ...rest } } } });
  };
}

export function setManagers(host: string, ...names: readonly string[]): Change {
  return changeFact(host, 'networkManagers', () => names);
}
