import type { Page } from "playwright-core";
import { world } from "../harness";

/** The moment of all pictures. */
const NOW = Date.parse("2026-11-24T09:30:00Z");
const HOUR = 3_600_000;
const at = (hours: number) => new Date(NOW + hours * HOUR).toISOString();

/** Puts fixed times and names in the place of those that differ each time. */
function fix(text: string): string {
  return text
    .replace(/"(\w+)":\s*"20\d\d-\d\d-\d\dT[\d:.]+Z"/g, (_match, key: string) => `"${key}":"${at(key === "expires_at" ? 47 : -1)}"`)
    .replace(/Company [0-9a-f]{8}/g, "Kopi Kita")
    .replace(/\.[0-9a-f]{8}@staff\.example/g, "@kopikita.example");
}

/** Stops the clock of a page. This takes a script, which a sandboxed frame in the page refuses to run. */
export const fixTime = (page: Page): Promise<void> => page.clock.setFixedTime(NOW);

/** Fixes what the API answers to a page. */
export async function fixAnswers(page: Page): Promise<void> {
  await page.route(`${world().api}/**`, async (route) => {
    const response = await route.fetch();
    const isJson = response.headers()["content-type"]?.includes("json");
    await route.fulfill(isJson ? { response, body: fix(await response.text()) } : { response });
  });
}
