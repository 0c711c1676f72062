import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Observer, startObserver } from './tc/observer.js';
import { tcScenarios } from './tc/scenarios.js';

/** An emulated machine boots, raises a lab, and goes through the scenarios one after the other: each test waits for its turn. */
const patience = 900_000;

describe('Direct Server Return by real tc filters', () => {
  let observer: Observer;
  beforeAll(async () => {
    observer = await startObserver();
  });
  afterAll(() => observer.stop());

  for (const scenario of tcScenarios)
    it(scenario.name, { timeout: patience }, async () => {
      expect(await observer.observe(scenario)).toEqual(scenario.expected);
    });
});
