import { buffer } from "node:stream/consumers";
import type { Page } from "playwright-core";

/** The file that an action of the user downloads. */
export async function downloaded(page: Page, action: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
  const [file] = await Promise.all([page.waitForEvent("download"), action()]);
  return { name: file.suggestedFilename(), bytes: await buffer(await file.createReadStream()) };
}
