import { readFileSync } from 'node:fs';

/** The package file lies above both the sources and what is built from them. */
export function version(): string {
  for (const path of ['../../package.json', '../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (name === 'tpdoctor') return String(version);
    } catch {
      // Not there: try the next.
    }
  }
  return 'unknown';
}
