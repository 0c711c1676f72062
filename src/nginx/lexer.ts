import { endOfLuaBlock } from './lua-block.js';

/** One directive's head as nginx's tokenizer delivers it; lines and columns count from 1. */
export type Statement =
  | { end: ';' | '{'; words: readonly string[]; line: number; column: number }
  | { end: '}'; line: number; column: number }
  | { end: 'file'; line: number; column: number }
  | { end: 'error'; message: string; line: number; column: number };

/** NGX_CONF_BUFFER: nginx reads a file through a buffer of this many bytes, and no token may fill it. */
const bufferSize = 4096;

const tab = 9;
const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const escapes: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' };

/**
 * Splits a configuration text exactly as ngx_conf_read_token() (src/core/ngx_conf_file.c) does: each call of `next` gives the words up
 * to `;`, `{`, `}`, the end or an error. After an error the rest is meaningless and `next` repeats the error.
 */
export class Lexer {
  private position = 0;
  private line = 1;
  private lineStart = 0;
  /** Position of the first line feed that is not behind; searched for once, for a file can be one long line. */
  private nextFeed: number;
  private failure: Statement | undefined;

  constructor(private readonly text: string) {
    this.nextFeed = this.feedAfter(-1);
  }

  next(): Statement {
    if (this.failure) return this.failure;
    const statement = this.readStatement();
    if (statement.end === 'error') this.failure = statement;
    return statement;
  }

  /** What a Lua block holds, up to its closing brace, which is consumed. Undefined when it does not end. */
  lua(): string | undefined {
    const end = endOfLuaBlock(this.text, this.position);
    if (end === undefined) return undefined;
    const body = this.text.slice(this.position, end);
    this.moveTo(end + 1);
    return body;
  }

  private readStatement(): Statement {
    const words: string[] = [];
    let start: { line: number; column: number } | undefined;
    for (;;) {
      const tooLong = this.skipBlanksAndComments();
      if (tooLong) return tooLong;
      const here = this.here();
      const character = this.text[this.position];
      if (character === undefined) return words.length > 0 ? error(endOfFile, here) : { end: 'file', ...here };
      if (character === '}') {
        this.moveTo(this.position + 1);
        return words.length > 0 ? error('unexpected "}"', here) : { end: '}', ...here };
      }
      if (character === ';' || character === '{') {
        this.moveTo(this.position + 1);
        return start ? { end: character, words, ...start } : error(`unexpected "${character}"`, here);
      }
      start ??= here;
      const word = this.readWord(character);
      if (typeof word !== 'string') return word;
      words.push(word);
    }
  }

  private skipBlanksAndComments(): Statement | undefined {
    for (;;) {
      let next = this.position;
      while (isBlank(this.text.charCodeAt(next))) next++;
      this.moveTo(next);
      if (this.text[next] !== '#') return undefined;
      const here = this.here();
      const end = this.text.indexOf('\n', next);
      const stop = end < 0 ? this.text.length : end;
      // nginx keeps a comment in its buffer too: one of 4096 bytes is "too long".
      if (overflows(this.text, next, stop + 1)) return error(tooLong(), here);
      this.moveTo(stop);
    }
  }

  private readWord(first: string): string | Statement {
    const here = this.here();
    const quote = first === '"' || first === "'" ? first : undefined;
    const start = this.position + (quote ? 1 : 0);
    const end = quote ? endOfQuoted(this.text, start, quote) : endOfBare(this.text, start);
    const read = end === undefined ? this.text.length : this.readWithWord(end, quote !== undefined);
    if (overflows(this.text, start, read)) return error(tooLong(quote), here);
    if (end === undefined) return error(endOfFile, here);
    this.moveTo(quote ? end + 1 : end);
    if (quote) {
      const after = this.text[this.position];
      if (after !== undefined && !isBlank(after.charCodeAt(0)) && !';{)'.includes(after))
        return error(`unexpected "${after}"`, this.here());
    }
    return withoutEscapes(this.text.slice(start, end));
  }

  /** nginx reads on to the character after the blank that ends a word, or to `;` or `{`, before it lets go of the word. */
  private readWithWord(end: number, quoted: boolean): number {
    const next = quoted ? end + 1 : end;
    return next + (isBlank(this.text.charCodeAt(next)) ? 2 : 1);
  }

  private here(): { line: number; column: number } {
    return { line: this.line, column: this.position - this.lineStart + 1 };
  }

  private moveTo(position: number): void {
    while (this.nextFeed < position) {
      this.line++;
      this.lineStart = this.nextFeed + 1;
      this.nextFeed = this.feedAfter(this.nextFeed);
    }
    this.position = position;
  }

  private feedAfter(position: number): number {
    const feed = this.text.indexOf('\n', position + 1);
    return feed < 0 ? Number.POSITIVE_INFINITY : feed;
  }
}

/**
 * Whether what nginx keeps in memory from `start` up to but not including `end` is more than its buffer holds. It refills the buffer
 * from the start of the current token, so where the token lies in the file makes no difference.
 */
function overflows(text: string, start: number, end: number): boolean {
  return end - start > bufferSize / 4 && Buffer.byteLength(text.slice(start, end)) > bufferSize;
}

/** Position of the closing quote. A backslash takes the next character with it. */
function endOfQuoted(text: string, from: number, quote: string): number | undefined {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === quote) return i;
  }
  return undefined;
}

/** Position of the blank, `;` or `{` that ends a bare word. Braces straight after `$` belong to it: `${name}`. */
function endOfBare(text: string, from: number): number | undefined {
  let variable = false;
  for (let i = from; i < text.length; i++) {
    const character = text[i];
    if (character === '{' && variable) continue;
    variable = character === '$';
    if (character === '\\') i++;
    else if (character === ';' || character === '{' || isBlank(text.charCodeAt(i))) return i;
  }
  return undefined;
}

/** Only these six escapes mean something; a backslash before anything else stays. */
function withoutEscapes(raw: string): string {
  return raw.includes('\\') ? raw.replace(/\\(["'\\trn])/g, (_, character: string) => escapes[character] ?? character) : raw;
}

function isBlank(code: number): boolean {
  return code === space || code === tab || code === lineFeed || code === carriageReturn;
}

const endOfFile = 'unexpected end of file, expecting ";" or "}"';

function tooLong(quote?: string): string {
  return quote ? `too long parameter, probably missing terminating "${quote}" character` : 'too long parameter';
}

function error(message: string, at: { line: number; column: number }): Statement {
  return { end: 'error', message, ...at };
}
