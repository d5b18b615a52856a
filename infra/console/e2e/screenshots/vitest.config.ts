import { defineConfig } from "vitest/config";
import tests from "../vitest.config.ts";

/** Takes the pictures of `docs/console.md`; not a part of the end-to-end tests. */
export default defineConfig({
  ...tests,
  test: { ...tests.test, include: ["screenshots/*.shots.ts"], maxWorkers: 1, testTimeout: 120_000, hookTimeout: 60_000 },
});
