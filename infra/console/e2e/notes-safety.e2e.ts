import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createNoteScene, noteBy, openContact, storeNote, type NoteScene } from "./scenes/notes";
import { world } from "./harness";

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

/** How many attack strings one note has. Each is stored with a paragraph after it. */
const TOGETHER = 6;
const after = (index: number) => `<p>after ${index}</p>`;

/** Stores attack strings as one note. Returns whether each of them left the next ones as they were; null if the note is refused. */
async function store(scene: NoteScene, strings: string[]): Promise<boolean | null> {
  try {
    const { note } = await storeNote(scene, scene.sinta, strings.map((attack, index) => attack + after(index)).join(""));
    return strings.every((_attack, index) => note.includes(after(index)));
  } catch (error) {
    // A note that is too long is refused.
    if (/NOTE_/.test(String(error))) return null;
    throw error;
  }
}

test("Safety: the attack strings of the note tests, stored through the API and shown, execute nothing", { timeout: 90_000 }, async () => {
  const scene = await createNoteScene();
  const groups = Array.from({ length: Math.ceil(attacks.length / TOGETHER) }, (_, index) => attacks.slice(index * TOGETHER, (index + 1) * TOGETHER));
  let notes = 0;
  let stored = 0;
  const write = async () => {
    for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
      const apart = await store(scene, group);
      if (apart !== null) notes += 1;
      if (apart) stored += group.length;
      // One that swallows the next ones, or makes the note too long, is stored alone.
      else if (group.length > 1) groups.push(...group.map((attack) => [attack]));
      else if (apart !== null) stored += 1;
    }
  };
  // Several at a time; the local cloud runs few functions at once.
  await Promise.all([write(), write(), write()]);
  expect(stored).toBeGreaterThan(600);

  const page = await openContact(scene);
  const happened: string[] = [];
  const own = [world().console, world().api];
  page.on("dialog", (dialog) => {
    happened.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("popup", (popup) => happened.push(`window ${popup.url()}`));
  page.on("request", (request) => {
    if (!own.some((origin) => request.url().startsWith(`${origin}/`))) happened.push(`request ${request.url()}`);
  });
  const older = page.getByRole("button", { name: "Show older notes" });
  const shown = noteBy(page, "Sinta Maharani");
  await shown.first().waitFor();
  for (let count = await shown.count(); count < notes; count = await shown.count()) {
    await older.click();
    await expect.poll(() => shown.count()).toBeGreaterThan(count);
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
