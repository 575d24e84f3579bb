import { defineConfig } from 'vitest/config';

/** One project per folder of `test/`; what each is for stands in CONTRIBUTING.md. */
const project = (name: string, testTimeout: number, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout, ...extra },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', 10_000),
      project('contract', 20_000),
      project('property', 60_000),
      project('integration', 30_000),
      project('simulation', 180_000),
      project('e2e', 120_000, { fileParallelism: false }),
      project('interop', 120_000, { fileParallelism: false }),
    ],
  },
});
