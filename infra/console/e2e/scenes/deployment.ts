import type { Page } from "playwright-core";

/** Shows the console as a deployment does from now on: its settings have neither the local cloud nor an endpoint for analytics. */
export async function asDeployed(page: Page): Promise<void> {
  await page.route("**/config.json", async (route) => {
    const response = await route.fetch();
    const { localUrl: _local, analyticsUrl: _analytics, ...settings } = (await response.json()) as Record<string, string>;
    await route.fulfill({ response, json: settings });
  });
}
