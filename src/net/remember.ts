const most = 100_000;

/** The same function, which remembers its answers: a walk asks about the same few addresses thousands of times. */
export function remembering<T>(of: (text: string) => T): (text: string) => T {
  const known = new Map<string, { answer: T }>();
  return (text) => {
    const before = known.get(text);
    if (before) return before.answer;
    const answer = of(text);
    if (known.size >= most) known.clear();
    known.set(text, { answer });
    return answer;
  };
}
