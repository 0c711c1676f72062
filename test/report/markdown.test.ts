import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../src/report/markdown.js';
import { hostileText, poisoned } from './hostile.js';
import { faulty, healthy, hostile, risky, undetermined } from './samples.js';
import { oneDead } from './trace-samples.js';

describe('a report for a ticket', () => {
  it.each([
    ['healthy', healthy],
    ['faulty', faulty],
    ['undetermined', undetermined],
    ['risky', risky],
    ['hostile', hostile],
    ['trace', oneDead],
  ] as const)('looks as it did: %s', async (name, report) => {
    await expect(renderMarkdown(report)).toMatchFileSnapshot(`fixtures/${name}.md`);
  });
});

/** As a reader of Markdown takes it, with HTML and bare links understood: the parts that it is made of, and its text outside code. */
function understood(markdown: string): { parts: string[]; text: string } {
  const tokens = new MarkdownIt({ html: true, linkify: true }).parse(markdown, {});
  const inner = tokens.flatMap(({ type, children }) => [type, ...(children ?? []).map((child) => child.type)]);
  const texts = tokens.flatMap(({ children }) => (children ?? []).flatMap(({ type, content }) => (type === 'text' ? content : [])));
  return { parts: inner.filter((type) => type !== 'text'), text: texts.join('\n') };
}

const examples = [
  '<img src=x onerror=alert(1)> @all #1 https://a.example www.a.example [a](b) ```\n# x',
  '```\n```',
  '| a |\n|--|',
  '- 1. x',
  '$a$ ~~b~~ &lt;',
];

describe('what hosts and files say', () => {
  it('is no markup, link, mention or reference, and ends no code', () => {
    const said = hostileText.filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(fc.constantFrom(faulty, undetermined, oneDead), said, (report, text) => {
        const { parts, text: shown } = understood(renderMarkdown(poisoned(report, text)));
        expect(parts).toEqual(understood(renderMarkdown(poisoned(report, 'word'))).parts);
        expect(shown).not.toMatch(/[@#]\w|:\/\/|\bwww\./i);
      }),
      { examples: examples.map((text) => [faulty, text]) },
    );
  });
});
