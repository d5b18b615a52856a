import { inject } from "vitest";

/** The addresses of a local cloud under test, and of the browser. */
export interface World {
  api: string;
  lambda: string;
  console: string;
  browser: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    worlds: World[];
  }
}

/** The world of this process: the test files of one process never meet those of another. */
export function world(): World {
  const worlds = inject("worlds");
  const own = worlds[(Number(process.env["VITEST_POOL_ID"]) - 1) % worlds.length];
  if (!own) throw new Error("no local cloud was started");
  return own;
}
