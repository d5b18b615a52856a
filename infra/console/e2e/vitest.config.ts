import { defineConfig } from "vitest/config";

/** The end-to-end tests: one browser process, one test at a time. */
export default defineConfig({
  cacheDir: "../node_modules/.vite-e2e",
  test: {
    root: import.meta.dirname,
    include: ["**/*.e2e.ts"],
    globalSetup: ["harness/start.ts"],
    maxWorkers: 1,
    fileParallelism: false,
    isolate: false,
    testTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 30_000,
    reporters: ["verbose"],
  },
});
