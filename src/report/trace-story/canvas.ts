import { displayWidth } from '../layout.js';
import type { Colour, Pen } from '../style.js';

interface Cell {
  text: string;
  colours: readonly Colour[];
}

const blank: Cell = { text: ' ', colours: [] };

/** One line of a drawing, of which any part can be written over. Columns are counted from 0; what lies left of it is cut. */
export class Canvas {
  private readonly cells: Cell[] = [];

  /** @param text sanitized, without colours */
  put(column: number, text: string, ...colours: readonly Colour[]): void {
    let at = column;
    for (const character of text) {
      const width = displayWidth(character);
      if (at >= 0) this.set(at, character, width, colours);
      at += width;
    }
  }

  private set(at: number, text: string, width: number, colours: readonly Colour[]): void {
    while (this.cells.length < at + width) this.cells.push(blank);
    // Half of a wide character cannot stay.
    if (this.cells[at]?.text === '') this.cells[at - 1] = blank;
    if (this.cells[at + width]?.text === '') this.cells[at + width] = blank;
    this.cells[at] = { text, colours };
    if (width === 2) this.cells[at + 1] = { text: '', colours };
  }

  toLine(pen: Pen): string {
    const last = this.cells.findLastIndex(({ text }) => text !== ' ');
    const runs: Cell[] = [];
    for (const { text, colours } of this.cells.slice(0, last + 1)) {
      const run = runs.at(-1);
      if (run && run.colours.join() === colours.join()) run.text += text;
      else runs.push({ text, colours });
    }
    return runs.map(({ text, colours }) => pen.paint(text, ...colours)).join('');
  }
}
