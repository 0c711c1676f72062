/** Whether an id is selected by `--only` and `--skip`. Skipping wins; without `--only` everything is selected. */
export function selects(id: string, { only, skip }: { only: readonly string[]; skip: readonly string[] }): boolean {
  const matched = (patterns: readonly string[]) => patterns.some((pattern) => matchesGlob(id, pattern));
  return (only.length === 0 || matched(only)) && !matched(skip);
}

/** `*` stands for any text, `/` included: `proxy/*`, `*rp-filter*`. */
export function matchesGlob(id: string, pattern: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  if (others.length === 0) return id === pattern;
  const last = others.pop() ?? '';
  let at = first.length;
  for (const part of others) {
    const found = id.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return id.startsWith(first) && id.endsWith(last) && id.length - last.length >= at;
}
