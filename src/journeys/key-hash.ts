/** A 64-bit key in two signed halves, built up word by word: an unsigned one would often be a double. One instance is used again and again. */
export class KeyHash {
  high = 0;
  low = 0;

  begin(kind: number): this {
    this.high = kind ^ 0x9e3779b9;
    this.low = Math.imul(kind, 0x85ebca6b) ^ 0x7f4a7c15;
    return this;
  }

  /** The multipliers and shifts are those of MurmurHash3, one half with another seed and order than the other. */
  add(word: number): this {
    let a = Math.imul(word, 0xcc9e2d51);
    a = (a << 15) | (a >>> 17);
    let low = this.low ^ Math.imul(a, 0x1b873593);
    low = (low << 13) | (low >>> 19);
    this.low = (Math.imul(low, 5) + 0xe6546b64) | 0;
    let b = Math.imul(word, 0x239b961b);
    b = (b << 16) | (b >>> 16);
    let high = this.high ^ Math.imul(b, 0xab0e9789);
    high = (high << 17) | (high >>> 15);
    this.high = (Math.imul(high, 5) + 0x561ccd1b + this.low) | 0;
    return this;
  }

  /** What is a hash already needs less mixing. */
  addHash(high: number, low: number): this {
    const mixed = Math.imul(this.low ^ low, 0xcc9e2d51);
    this.low = (mixed << 15) | (mixed >>> 17);
    this.high = (Math.imul(this.high ^ high, 0x239b961b) + this.low) | 0;
    return this;
  }

  /** Of IPv4, only the last word says anything. */
  address(words: Uint32Array): this {
    const a = (words[0] as number) | 0;
    const b = (words[1] as number) | 0;
    const c = (words[2] as number) | 0;
    if ((a | b | c) !== 0) this.add(a).add(b).add(c);
    return this.add((words[3] as number) | 0);
  }

  end(): this {
    let low = this.low;
    low ^= low >>> 16;
    low = Math.imul(low, 0x85ebca6b);
    low ^= low >>> 13;
    this.low = low ^ this.high;
    this.high ^= Math.imul(low, 0xc2b2ae35);
    return this;
  }
}
