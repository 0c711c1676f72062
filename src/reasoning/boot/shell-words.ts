/** Words of a shell that stand before a command. */
const before = new Set(['do', 'then', 'else', 'if', 'elif', 'while', '!', '{', '(', 'exec', 'sudo', 'time', 'nohup', 'command', 'env']);

/**
 * The commands of one line, each as its words without quotes. It reads what administrators write at boot, it is no shell: nothing is
 * expanded, and a word with a `$` or a backtick is one whose value is not known.
 */
export function commandsOf(line: string): string[][] {
  const commands: string[][] = [[]];
  let word = '';
  let begun = false;
  const end = () => {
    if (begun) commands.at(-1)?.push(word);
    [word, begun] = ['', false];
  };
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? '';
    if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") [quote, begun] = [char, true];
    else if (char === '#' && !begun) break;
    else if (char === '\\') {
      at += 1;
      [word, begun] = [word + (line[at] ?? ''), true];
    } else if (char === ';' || char === '&' || char === '|') {
      end();
      commands.push([]);
    } else if (char === '>' || char === '<') {
      // `2>/dev/null`: the number is the descriptor's.
      if (/^\d$/.test(word)) [word, begun] = ['', false];
      end();
      commands.at(-1)?.push(char);
    } else if (char === ' ' || char === '\t') end();
    else [word, begun] = [word + char, true];
  }
  end();
  return commands.map(withoutPrefix).filter((words) => words.length > 0);
}

function withoutPrefix(words: readonly string[]): string[] {
  const first = words.findIndex((word) => !before.has(word) && word !== '/usr/bin/env' && !/^\w+=/.test(word));
  // A line of assignments alone is kept: it may name a tool.
  return first < 0 ? [...words] : words.slice(first);
}

/** Whether the value of a word cannot be told from the file. */
export function isWild(word: string): boolean {
  return /[$`%*]/.test(word);
}
