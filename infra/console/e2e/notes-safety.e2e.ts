import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { createNoteScene, noteBy, openContact, storeNote } from "./scenes/notes";

/** The attack strings of the tests of the API: markup, mutations, and addresses of links. */
const attacks = readFileSync(join(import.meta.dirname, "../../../shared/src/note/tests/attacks.jsonl"), "utf8")
  .split(/^# addresses$/m)
  .flatMap((section, index) =>
    section
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => JSON.parse(line) as string)
      .map((attack) => (index === 1 ? `<a href="${attack}">x</a>` : attack)),
  );

test("Safety: the attack strings of the note tests, stored through the API and shown, execute nothing", { timeout: 90_000 }, async () => {
  const scene = await createNoteScene();
  // Several at a time; the local cloud runs few functions at once.
  const rest = [...attacks];
  let stored = 0;
  const write = async () => {
    for (let attack = rest.pop(); attack !== undefined; attack = rest.pop()) {
      try {
        await storeNote(scene, scene.sinta, `<p>${stored}</p>${attack}`);
        stored += 1;
      } catch (error) {
        // An attack string that is too long is refused.
        if (!/NOTE_/.test(String(error))) throw error;
      }
    }
  };
  await Promise.all([write(), write(), write()]);
  expect(stored).toBeGreaterThan(500);

  const page = await openContact(scene);
  const happened: string[] = [];
  const own = [inject("world").console, inject("world").api];
  page.on("dialog", (dialog) => {
    happened.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("popup", (popup) => happened.push(`window ${popup.url()}`));
  page.on("request", (request) => {
    if (!own.some((origin) => request.url().startsWith(`${origin}/`))) happened.push(`request ${request.url()}`);
  });
  const older = page.getByRole("button", { name: "Show older notes" });
  const notes = noteBy(page, "Sinta Maharani");
  await notes.first().waitFor();
  for (let count = await notes.count(); count < stored; count = await notes.count()) {
    await older.click();
    await expect.poll(() => notes.count()).toBeGreaterThan(count);
  }

  const address = page.url();
  const marked = await page.evaluate(() => {
    // A click on an ordinary link is allowed.
    addEventListener("click", (event) => (event.target as Element).closest("a[href]") && event.preventDefault(), true);
    const names = ["click", "mouseover", "mouseenter", "focus", "focusin", "blur", "input", "change", "toggle", "load", "error", "keydown", "submit", "animationend", "scroll"];
    const elements = [...document.querySelectorAll<HTMLElement>(".note-text *")];
    for (const element of elements) for (const name of names) element.dispatchEvent(new Event(name, { bubbles: true, cancelable: true }));
    return {
      elements: elements.length,
      forbidden: elements.filter((element) => element.matches("script, iframe, object, embed, img, video, audio, form, style, link, meta, base, svg, math, template")).length,
      handlers: elements.filter((element) => element.getAttributeNames().some((name) => name.startsWith("on"))).length,
      outside: [...document.querySelectorAll<HTMLAnchorElement>(".note-text a[href]")].filter((link) => !["http:", "https:", "mailto:", "tel:"].includes(link.protocol)).length,
    };
  });
  expect(marked.elements).toBeGreaterThan(500);
  expect({ forbidden: marked.forbidden, handlers: marked.handlers, outside: marked.outside }).toEqual({ forbidden: 0, handlers: 0, outside: 0 });
  expect(happened).toEqual([]);
  expect(page.url()).toBe(address);
});
