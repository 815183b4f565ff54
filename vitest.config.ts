import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,reference,suites,reports,tests}/**/*.test.ts'],
    testTimeout: 60_000,
    // Tests of the harness start runner processes of their own; two cores are soon full.
    maxWorkers: 2,
  },
});
