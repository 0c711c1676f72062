/** Eight hexadecimal digits that are the same for the same text (FNV-1a, 32 bits): what a cure adds gets a name that only this cure gives. */
export function nameHash(text: string): string {
  const value = [...text].reduce((sum, letter) => Math.imul(sum ^ (letter.codePointAt(0) ?? 0), 0x01000193), 0x811c9dc5);
  return (value >>> 0).toString(16).padStart(8, '0');
}
