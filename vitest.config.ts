import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Labs are whole networks on one machine: one at a time keeps timings honest.
    testTimeout: 30_000,
  },
});
