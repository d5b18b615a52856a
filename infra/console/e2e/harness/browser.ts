import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { afterEach, expect } from "vitest";
import type { TestPerson } from "./company";
import { signIn } from "./session";
import { world } from "./world";

let browser: Promise<Browser> | null = null;
const contexts: BrowserContext[] = [];
/** Violations of the security policy, errors in the browser's console and exceptions, of all pages of a test. */
const problems: string[] = [];

/** Failed requests to the API are part of many tests; the browser reports each of them. */
const isAnswer = (text: string) => text.startsWith("Failed to load resource");

async function watch(context: BrowserContext): Promise<void> {
  await context.exposeBinding("reportViolation", (_source, violation: string) => void problems.push(`violation of the security policy: ${violation}`));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const report = (window as unknown as { reportViolation: (text: string) => void }).reportViolation;
      report(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile ?? ""}:${event.lineNumber}`);
    });
  });
  context.on("page", (page) => {
    page.on("pageerror", (error) => problems.push(`exception: ${error.stack ?? error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !isAnswer(message.text())) problems.push(`console: ${message.text()}`);
      else if (message.type() === "warning" && message.text().includes("[Vue")) problems.push(`console: ${message.text()}`);
    });
  });
}

/** Opens a browser of its own, with a page that is not signed in. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  browser ??= chromium.connect(world().browser);
  const context = await (await browser).newContext({ baseURL: world().console, locale: "en-US", timezoneId: "Asia/Jakarta", reducedMotion: "reduce", ...options });
  contexts.push(context);
  context.setDefaultTimeout(20_000);
  await watch(context);
  return context.newPage();
}

/** Waits until a control has the focus. */
export async function expectFocus(control: Locator): Promise<void> {
  await expect.poll(() => control.evaluate((element) => element === document.activeElement)).toBe(true);
}

/** Chooses a person on the page of the issuer. */
export async function choosePerson(page: Page, person: TestPerson): Promise<void> {
  const name = new RegExp(`^\\s*${person.name}.*${person.email}`, "s");
  await page.getByRole("link", { name }).or(page.getByRole("button", { name })).first().click();
}

/**
 * Opens an address of the console, signed in as a person. The session is in the storage of the tab
 * before the page loads: only the tests of the sign-in go through the pages of the issuer.
 */
export async function visit(person: TestPerson, path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const [page, session] = await Promise.all([openPage(options), signIn(person)]);
  const restored = await page.addInitScript(({ key, value }) => sessionStorage.setItem(key, value), session);
  await page.goto(path);
  // A reload keeps what the page itself has stored by then.
  await restored.dispose();
  return page;
}

afterEach(async () => {
  const found = problems.splice(0);
  await Promise.all(contexts.splice(0).map((context) => context.close()));
  expect(found, "problems that pages of this test reported").toEqual([]);
});
