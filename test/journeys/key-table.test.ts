import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyTable } from '../../src/journeys/key-table.js';

describe('KeyTable', () => {
  it('finds what was set last under a key, and nothing else, as long as it has room', () => {
    const step = fc.record({
      high: fc.integer({ min: 0, max: 3 }),
      low: fc.integer({ min: 0, max: 30 }),
      slot: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const generation = Uint32Array.from({ length: 10 }, () => 1);
        const table = new KeyTable(4096, { given: 1, capacity: 10, generation });
        const model = new Map<string, number>();
        for (const { high, low, slot } of steps) {
          table.set(high, low, slot);
          model.set(`${high} ${low}`, slot);
        }
        for (let high = 0; high < 4; high++)
          for (let low = 0; low < 32; low++) expect(table.find(high, low)).toBe(model.get(`${high} ${low}`) ?? -1);
        expect(table.evicted).toBe(0);
      }),
    );
  });

  it('forgets keys of a slot that has been given to another transaction', () => {
    const turns = { given: 2, capacity: 2, generation: Uint32Array.of(1, 2) };
    const table = new KeyTable(64, turns);
    table.set(5, 7, 0);
    table.set(5, 8, 1);
    turns.generation[0] = ++turns.given;
    expect([table.find(5, 7), table.find(5, 8)]).toEqual([-1, 1]);
  });

  it('lets the oldest of those go that share a place, and counts it', () => {
    const generation = Uint32Array.from({ length: 20 }, (_, n) => n + 1);
    const table = new KeyTable(16, { given: 20, capacity: 20, generation });
    for (let slot = 0; slot < 20; slot++) table.set(slot, 3, slot);
    expect(table.evicted).toBe(12);
    expect(table.find(0, 3)).toBe(-1);
    expect(table.find(19, 3)).toBe(19);
  });

  it('takes signed hashes for what they are as bits', () => {
    const table = new KeyTable(64, { given: 1, capacity: 1, generation: Uint32Array.of(1) });
    table.set(-5, -7, 0);
    expect(table.find(-5 >>> 0, -7 >>> 0)).toBe(0);
  });
});
