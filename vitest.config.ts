import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    maxConcurrency: 2,
    // Two cores: more files at a time would only make the labs wait for each other.
    maxWorkers: 2,
  },
});
