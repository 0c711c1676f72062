/** Up to three of the candidates that a mistyped word may have meant, the nearest first. */
export function nearest(word: string, candidates: Iterable<string>): string[] {
  const wanted = word.slice(0, 100).toLowerCase();
  return [...candidates]
    .map((candidate) => ({ candidate, far: distance(wanted, candidate) }))
    .filter(({ far, candidate }) => far <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.far - b.far || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** Edits from one to the other; a part of an id, such as its name without the area, is near. */
function distance(word: string, candidate: string): number {
  if (word.length >= 4 && candidate.includes(word)) return 1;
  return Math.min(edits(word, candidate), 1 + edits(word, candidate.slice(candidate.indexOf('/') + 1)));
}

/** Levenshtein's distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
