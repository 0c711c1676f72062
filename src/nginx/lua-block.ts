/**
 * Position of the brace that closes a Lua block whose body starts at `from`; undefined when there is none.
 * Braces inside Lua strings, long brackets and comments do not count (lua-nginx-module: ngx_http_lua_conf_lua_block_parse).
 */
export function endOfLuaBlock(text: string, from: number): number | undefined {
  let depth = 1;
  let i = from;
  while (i < text.length) {
    const character = text[i];
    if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return i;
    const next = skipOpaque(text, i);
    if (next === undefined) return undefined;
    i = next;
  }
  return undefined;
}

/** Where scanning goes on after the string, bracket, comment or plain character at `i`; undefined when it does not end. */
function skipOpaque(text: string, i: number): number | undefined {
  const character = text[i];
  if (character === '"' || character === "'") return afterString(text, i + 1, character);
  if (character === '[') return afterLongBracket(text, i) ?? i + 1;
  if (character === '-' && text[i + 1] === '-') return afterComment(text, i + 2);
  return i + 1;
}

function afterString(text: string, from: number, quote: string): number | undefined {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === quote) return i + 1;
  }
  return undefined;
}

function afterComment(text: string, from: number): number {
  const long = text[from] === '[' ? afterLongBracket(text, from) : undefined;
  if (long !== undefined) return long;
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end + 1;
}

/** After `[==[ … ]==]` with any number of equal signs; undefined when no long bracket starts here. One that never ends reaches to the end. */
function afterLongBracket(text: string, from: number): number | undefined {
  let i = from + 1;
  while (text[i] === '=') i++;
  if (text[i] !== '[') return undefined;
  const close = `]${'='.repeat(i - from - 1)}]`;
  const end = text.indexOf(close, i + 1);
  return end < 0 ? text.length : end + close.length;
}
