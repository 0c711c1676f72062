import type { Pen } from '../style.js';

/** A titled block below a diagnosis; nothing when it is empty. */
export function section(title: string, lines: readonly string[], pen: Pen): string[] {
  return lines.length > 0 ? ['', `   ${pen.paint(title, 'bold', 'cyan')}`, ...lines.map((line) => `     ${line}`.trimEnd())] : [];
}
