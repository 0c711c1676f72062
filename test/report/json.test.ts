import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderJson, toJson } from '../../src/report/json.js';
import { faulty, hostile } from './samples.js';

describe('renderJson', () => {
  it('prints one document and a newline', () => {
    const text = renderJson(faulty);
    expect(text.endsWith('}\n')).toBe(true);
    expect(JSON.parse(text)).toEqual(faulty);
  });

  it('keeps hostile text whole, yet lets nothing steer a terminal', () => {
    const text = renderJson(hostile);
    expect(JSON.parse(text)).toEqual(hostile);
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]|\p{Cf}|\p{Cs}/u);
  });

  it('is read back as it was, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void expect(JSON.parse(toJson({ text }))).toEqual({ text })));
  });
});
