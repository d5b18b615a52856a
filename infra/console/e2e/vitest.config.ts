import { defineConfig } from "vitest/config";

/** A running cloud that the environment names is one for all tests, and faults in it are seen by all. */
const hasOwnClouds = !process.env["CONSOLE_E2E_URL"];

/** The end-to-end tests: one browser, and two processes that run test files, each with a local cloud of its own. */
export default defineConfig({
  cacheDir: "../node_modules/.vite-e2e",
  test: {
    root: import.meta.dirname,
    include: ["**/*.e2e.ts"],
    globalSetup: ["harness/start.ts"],
    maxWorkers: hasOwnClouds ? 2 : 1,
    isolate: false,
    testTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 60_000,
    reporters: ["verbose"],
  },
});
