import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { expectAccessible, world } from "./harness";
import { createNoteScene, noteBy, openContact, shownNote, storeNote, type NoteScene } from "./scenes/notes";

/** What editors write for each of their features; the tests of the API read the same files. */
const folder = join(import.meta.dirname, "../../../shared/src/note/tests/editors");
const editors = readdirSync(folder).map((file): [string, Record<string, string>] => [
  basename(file, ".json"),
  JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, string>,
]);
/** What the API stores for them; the unit tests of the sanitizer read this file. */
const recorded = join(import.meta.dirname, "../src/notes/stored-notes.json");

const PERSON = "6f1c2a34-9b7d-4e21-8c55-0a1b2c3d4e5f";
const SITE = "https://app.example.com";

/** Stores a note, with a real person for the recorded one, and the recorded site for the real one. */
async function store(scene: NoteScene, html: string): Promise<string> {
  const { id } = scene.people["Name"]!;
  try {
    const { note } = await storeNote(scene, scene.sinta, html.replaceAll(PERSON, id));
    return note.replaceAll(id, PERSON).replaceAll(world().console, SITE);
  } catch (error) {
    // A note that has only an image is refused.
    if (String(error).includes("NOTE_EMPTY")) return "";
    throw error;
  }
}

test("Formats: the recorded notes of the unit tests are those that the API stores", async () => {
  const scene = await createNoteScene({ people: { Name: {} } });
  const stored: Record<string, Record<string, string>> = {};
  for (const [editor, features] of editors) {
    const notes: Record<string, string> = {};
    for (const [feature, html] of Object.entries(features)) notes[feature] = await store(scene, html);
    stored[editor] = notes;
  }
  if (process.env["UPDATE_RECORDED"]) writeFileSync(recorded, `${JSON.stringify(stored, null, 1)}\n`);
  expect(stored).toEqual(JSON.parse(readFileSync(recorded, "utf8")));
});

test("Formats: every feature of every recorded editor is shown as it is stored, after a reload too", async () => {
  const scene = await createNoteScene({ people: { Name: {} } });
  const { id } = scene.people["Name"]!;
  const notes = [];
  for (const [, features] of editors) {
    const html = Object.values(features).join("");
    notes.unshift(await storeNote(scene, scene.sinta, html.replaceAll(PERSON, id)));
  }
  const page = await openContact(scene);
  for (const round of ["first", "reloaded"]) {
    await expect.poll(() => noteBy(page, "Sinta Maharani").count()).toBe(notes.length);
    for (const [index, { note }] of notes.entries()) expect(await shownNote(noteBy(page, "Sinta Maharani").nth(index)), `${round} ${index}`).toBe(note);
    await page.reload();
  }
});

test("Formats: a note's color, alignment, font size and column width are computed as stored", async () => {
  const scene = await createNoteScene();
  await storeNote(
    scene,
    scene.sinta,
    `<p style="text-align: center"><span id="c" style="color: rgb(180, 35, 24); font-size: 18px">red</span> <mark style="background-color: rgb(255, 204, 0); color: inherit">marked</mark></p>` +
      `<table style="width: 200px"><colgroup><col style="width: 120px"><col style="width: 80px"></colgroup><tbody><tr><td colwidth="120"><p>a</p></td><td colwidth="80"><p>b</p></td></tr></tbody></table>` +
      '<ul data-type="taskList"><li data-checked="true" data-type="taskItem"><label><input type="checkbox" checked="checked"><span></span></label><div><p>done</p></div></li></ul>' +
      '<blockquote><p>quote, <code>code</code> and <a href="https://example.com/">a link</a></p></blockquote><pre><code>let a;</code></pre>',
  );
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await openContact(scene, scene.sinta, { colorScheme });
    const note = noteBy(page, "Sinta Maharani").locator(".note-content");
    await note.waitFor();
    const computed = await note.evaluate((element) => {
      const style = (selector: string) => getComputedStyle(element.querySelector(selector)!);
      const widths = [...element.querySelectorAll("td")].map((cell) => Math.round(cell.getBoundingClientRect().width));
      return {
        color: style("span").color,
        size: style("span").fontSize,
        align: style("p").textAlign,
        mark: style("mark").backgroundColor,
        widths,
        contain: getComputedStyle(element).contain,
        // The ground of a note with colors of its own does not follow the theme.
        ground: getComputedStyle(element).backgroundColor,
      };
    });
    expect(computed).toEqual({
      color: "rgb(180, 35, 24)",
      size: "18px",
      align: "center",
      mark: "rgb(255, 204, 0)",
      widths: [120, 80],
      contain: "content",
      ground: "rgb(255, 255, 255)",
    });
    if (colorScheme === "dark") await expectAccessible(page);
  }
});

test("Formats: a note cannot leave its place, however wide or long it is", async () => {
  const scene = await createNoteScene();
  await storeNote(scene, scene.sinta, `<table style="width: 2000px"><tbody><tr><td>wide</td></tr></tbody></table><p>${"long".repeat(400)}</p>`);
  await storeNote(scene, scene.sinta, "<p>Above</p>");
  const page = await openContact(scene, scene.sinta, { viewport: { width: 390, height: 844 } });
  await expect.poll(() => noteBy(page, "Sinta Maharani").count()).toBe(2);
  const layout = await page.evaluate(() => {
    const boxes = [...document.querySelectorAll(".note-content")].map((element) => element.getBoundingClientRect());
    return { page: document.documentElement.scrollWidth, widest: Math.max(...boxes.map((box) => box.right)), overlap: boxes[0]!.bottom > boxes[1]!.top };
  });
  expect(layout.page).toBe(390);
  expect(layout.widest).toBeLessThanOrEqual(390);
  expect(layout.overlap).toBe(false);
  // A region that scrolls can be reached by keyboard.
  await page.getByRole("region", { name: /^Note by Sinta/ }).waitFor();
});
