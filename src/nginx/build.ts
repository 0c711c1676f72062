import type { Directive } from '../types.js';

/** Writes directives as a configuration that parses back to them. Words of 4094 bytes or more have no spelling that nginx accepts. */
export function build(directives: readonly Directive[], indent = ''): string {
  return directives.map((directive) => buildDirective(directive, indent)).join('');
}

function buildDirective(directive: Directive, indent: string): string {
  const head = indent + [directive.name, ...directive.args].map(quote).join(' ');
  if (directive.opaque !== undefined) return `${head} {${directive.opaque}}\n`;
  if (directive.block) return `${head} {\n${build(directive.block, `${indent}    `)}${indent}}\n`;
  return `${head};\n`;
}

/** A word in the plainest spelling that reads back as itself. */
export function quote(word: string): string {
  if (/^[\w./:@%+~=,!?^*|&<>()[\]$-]+$/.test(word)) return word;
  return `"${word.replace(/["\\]/g, '\\$&')}"`;
}
