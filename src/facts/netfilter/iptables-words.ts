/** One option of a rule with its arguments: `! --sport 53`. */
export interface RuleOption {
  name: string;
  not: boolean;
  args: readonly string[];
}

/** Options whose argument is free text and may itself begin with a dash: iptables-save quotes only what holds a space or a special character. */
const freeText = new Set([
  '--comment',
  '--log-prefix',
  '--nflog-prefix',
  '--ulog-prefix',
  '--string',
  '--hex-string',
  '--u32',
  '--bytecode',
  '--selctx',
]);

interface Word {
  text: string;
  quoted: boolean;
}

/** Splits a rule as iptables-save prints it. Inside double quotes a backslash takes the next character as it is (xtables_save_string). */
function splitWords(line: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    if (line[at] === ' ') {
      at += 1;
      continue;
    }
    const quoted = line[at] === '"';
    let text = '';
    if (quoted) at += 1;
    while (at < line.length && line[at] !== (quoted ? '"' : ' ')) {
      if (line[at] === '\\' && quoted) at += 1;
      text += line[at] ?? '';
      at += 1;
    }
    at += 1;
    words.push({ text, quoted });
  }
  return words;
}

/** The options of a rule, in order. `!` belongs to the option that follows; words before the first option are dropped. */
export function readOptions(line: string): RuleOption[] {
  const options: { name: string; not: boolean; args: string[] }[] = [];
  let not = false;
  for (const { text, quoted } of splitWords(line)) {
    const last = options.at(-1);
    if (last && last.args.length === 0 && freeText.has(last.name)) last.args.push(text);
    else if (!quoted && text === '!') not = true;
    else if (!quoted && /^-{1,2}[A-Za-z0-9]/.test(text)) {
      options.push({ name: text, not, args: [] });
      not = false;
    } else {
      // Before 1.4.3 the exclamation mark stood behind the option: `--dport ! 80`.
      if (last && not && last.args.length === 0) last.not = true;
      not = false;
      last?.args.push(text);
    }
  }
  return options;
}

/** How an option reads: for the text of what cannot be evaluated. */
export function optionText({ name, not, args }: RuleOption): string {
  return [...(not ? ['!'] : []), name, ...args].join(' ');
}
