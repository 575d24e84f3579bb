/** The functions of the runner in which the suite is registered: vitest, jest, mocha and their like. */

export interface TestContext {
  /** Ends the test as skipped. */
  readonly skip?: (why?: string) => unknown;
}

export interface TestFunctions {
  /** Those of the runner; the global ones when absent. */
  readonly describe?: (name: string, body: () => void) => unknown;
  readonly it?: (
    name: string,
    body: (context?: TestContext) => Promise<void> | void,
    timeoutMs?: number,
  ) => unknown;
  readonly afterAll?: (body: () => Promise<void>) => unknown;
}

/** @throws when neither the options nor the globals have them */
export function findTestFunctions(
  options: TestFunctions,
): Required<Pick<TestFunctions, 'describe' | 'it'>> & TestFunctions {
  const globals = globalThis as TestFunctions;
  const { describe = globals.describe, it = globals.it, afterAll = globals.afterAll } = options;
  if (describe === undefined || it === undefined)
    throw new Error(
      "there is no describe and it: pass them, as in defineConformanceSuite({ engine, describe, it }), or let the runner's be global",
    );
  return { describe, it, ...(afterAll === undefined ? {} : { afterAll }) };
}
