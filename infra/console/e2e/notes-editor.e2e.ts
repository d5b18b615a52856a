import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { createNoteScene, editNote, hasCursor, noteBy, openContact, saveNote, shownNote, startNote, storedNotes } from "./scenes/notes";
import { world } from "./harness";

const read = (path: string) => JSON.parse(readFileSync(join(import.meta.dirname, path), "utf8")) as Record<string, string>;
/** What Tiptap writes for each feature, and what the API stores for it. */
const recorded = read("data/tiptap.json");
const stored = JSON.parse(readFileSync(join(import.meta.dirname, "../src/notes/stored-notes.json"), "utf8")).tiptap as Record<string, string>;

const PERSON = "6f1c2a34-9b7d-4e21-8c55-0a1b2c3d4e5f";
const SITE = "https://app.example.com";

type Step = (page: Page) => Promise<void>;

/** Presses keys one after the other. The editor takes over where the browser has put the cursor before the next frame. */
async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) {
    await page.keyboard.press(key);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}
const type = (page: Page, text: string) => page.keyboard.type(text);

/** Chooses an entry of a menu of the toolbar. */
async function choose(page: Page, menu: string | RegExp, entry: string): Promise<void> {
  await page.getByRole("toolbar").getByRole("button", { name: menu }).click();
  await page.getByRole("menuitem", { name: entry, exact: true }).or(page.getByRole("menuitemcheckbox", { name: entry, exact: true })).click();
  await page.getByRole("menu").waitFor({ state: "detached" });
  await hasCursor(page);
}

async function ownColor(page: Page, palette: string, color: string): Promise<void> {
  await page.getByRole("toolbar").getByRole("button", { name: palette }).click();
  await page.getByLabel("Another color").fill(color);
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await hasCursor(page);
}

/** Types `x` with a format that a shortcut turns on and off. */
const shortcut = (key: string): Step => async (page) => {
  await press(page, key);
  await type(page, "x");
  await press(page, key);
};

const link = (address: string): Step => async (page) => {
  await type(page, "x");
  await press(page, "Shift+ArrowLeft", "Control+k");
  await page.getByLabel("Address").fill(address);
  await press(page, "Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await hasCursor(page);
  await press(page, "End");
};

const colored = (palette: string, color: string, none: string): Step => async (page) => {
  await ownColor(page, palette, color);
  await type(page, "x");
  await page.getByRole("toolbar").getByRole("button", { name: palette }).click();
  await page.getByRole("button", { name: none }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await hasCursor(page);
};

const styled = (entry: string, back: string): Step => async (page) => {
  await choose(page, "Size, font and more", entry);
  await type(page, "x");
  await choose(page, "Size, font and more", back);
};

/** Formats that only other programs write: they are pasted. */
const paste = (name: string): Step => async (page) => {
  await page.evaluate((html) => {
    const data = new DataTransfer();
    data.setData("text/html", html);
    document.querySelector(".ProseMirror")!.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, recorded[name]!);
};

/** How a user makes each feature. The images of the recording are no feature of notes. */
const steps: Record<string, Step> = {
  bold: shortcut("Control+b"),
  italic: shortcut("Control+i"),
  underline: shortcut("Control+u"),
  strike: shortcut("Control+Shift+s"),
  code: shortcut("Control+e"),
  h1: (page) => type(page, "# H"),
  h2: (page) => type(page, "## H"),
  h3: (page) => choose(page, /^Text style/, "Heading 3").then(() => type(page, "H")),
  bullet: async (page) => {
    await type(page, "- a");
    await press(page, "Enter", "Tab");
    await type(page, "b");
  },
  "ordered start type": paste("ordered start type"),
  "task list": async (page) => {
    await type(page, "[x] done");
    await press(page, "Enter", "Tab");
    await type(page, "sub");
    await press(page, "Enter", "Shift+Tab");
    await type(page, "todo");
  },
  table: async (page) => {
    await choose(page, "Table", "Insert a table");
    await press(page, "ArrowDown");
    await choose(page, "Table", "Delete the row");
    await choose(page, "Table", "Delete the column");
    await press(page, "ArrowUp");
    await choose(page, "Table", "Make the column wider");
    await choose(page, "Table", "Make the column narrower");
    await press(page, "Tab");
    await choose(page, "Table", "Make the column narrower");
    await choose(page, "Table", "Make the column narrower");
    await press(page, "Shift+Tab");
    await type(page, "H");
    await press(page, "Shift+ArrowRight");
    await choose(page, "Table", "Merge or split cells");
    await press(page, "Tab");
    await type(page, "a");
    await press(page, "Tab");
    await type(page, "b");
  },
  link: link("https://example.com/?a=1&b=2"),
  "link mailto": link("a@b.c"),
  "link relative": link("/customers/123"),
  "link hash": link("#part"),
  "code block": async (page) => {
    await type(page, "```js let a = 1;");
    await press(page, "Enter");
    await type(page, "  b();");
    await press(page, "Enter", "Enter");
  },
  "code block c++": async (page) => {
    await page.getByRole("toolbar").getByRole("button", { name: "Code block" }).click();
    await choose(page, /^Language of the code/, "c++");
    await type(page, "int a;");
  },
  blockquote: (page) => type(page, "> q"),
  align: async (page) => {
    await choose(page, "Alignment", "Center");
    await type(page, "x");
    await press(page, "Enter");
    await choose(page, "Alignment", "Left");
  },
  "align start": (page) => type(page, "x"),
  color: colored("Text color", "#ff0000", "No color"),
  "color rgb": colored("Text color", "#ff0000", "No color"),
  "color var": (page) => paste("color var")(page).then(() => choose(page, "Size, font and more", "Clear formatting")),
  fontFamily: styled("Inter", "Default font"),
  fontSize: styled("Large", "Normal size"),
  bgcolor: (page) => paste("bgcolor")(page).then(() => choose(page, "Size, font and more", "Clear formatting")),
  highlight: colored("Highlight", "#ffcc00", "No highlight"),
  "highlight plain": shortcut("Control+Shift+h"),
  sub: shortcut("Control+,"),
  sup: shortcut("Control+."),
  hr: async (page) => {
    await type(page, "a");
    await press(page, "Enter");
    await type(page, "---b");
  },
  hardbreak: async (page) => {
    await type(page, "a");
    await press(page, "Shift+Enter");
    await type(page, "b");
  },
  emoji: (page) => page.keyboard.insertText("👩‍👩‍👧‍👦 ❤️ 🇮🇩 ‍x"),
  "empty paras": async (page) => {
    await press(page, "Enter");
    await type(page, "a");
    await press(page, "Enter");
  },
  spaces: (page) => page.keyboard.insertText("a    b \u00a0 c"),
  mention: async (page) => {
    await type(page, "Hi @nam");
    await page.getByRole("option", { name: /^Name/ }).waitFor();
    await press(page, "Enter", "Backspace");
  },
};

/** The text of the editor, as the draft of this tab has it. */
const draft = (page: Page) =>
  page.evaluate(() => {
    const key = Object.keys(sessionStorage).find((name) => name.startsWith("console.note-draft"))!;
    return (JSON.parse(sessionStorage.getItem(key)!) as { html: string }).html;
  });

const withoutEnd = (html: string) => html.replace(/<p><\/p>$/, "");

test("Editor: a note with every feature of the recorded editor, typed in the real editor, is reloaded and equal", { timeout: 120_000 }, async () => {
  expect([...Object.keys(steps), "image", "image only"].sort()).toEqual(Object.keys(recorded).sort());
  const scene = await createNoteScene({ people: { Name: {} } });
  const { id } = scene.people["Name"]!;
  const expected = (name: string) => {
    const html = recorded[name]!.replaceAll(PERSON, id);
    // The editor writes the form of a mention that the API stores.
    return name === "mention" ? `<p>Hi <a data-user-id="${id}" data-mention="true">@Name</a></p>` : html;
  };
  const page = await openContact(scene);
  await startNote(page);

  let before = "";
  for (const [name, step] of Object.entries(steps)) {
    await step(page);
    const wanted = before + (name === "empty paras" ? expected(name) : withoutEnd(expected(name)));
    expect(withoutEnd(await draft(page)), name).toBe(name === "empty paras" ? withoutEnd(wanted) : wanted);
    before = wanted;
    await press(page, "Control+End");
    if (!(await draft(page)).endsWith("<p></p>") || name === "empty paras") await press(page, "Enter");
  }
  await press(page, "Backspace");
  await saveNote(page);

  const api = Object.keys(steps)
    .map((name) => (name === "empty paras" ? stored[name]! : withoutEnd(stored[name]!)))
    .join("")
    .replaceAll(PERSON, id)
    .replaceAll(SITE, world().console);
  const [note] = await storedNotes(scene);
  expect(note!.note).toBe(api);
  await page.reload();
  await noteBy(page, "Sinta Maharani").waitFor();
  expect(await shownNote(noteBy(page, "Sinta Maharani"))).toBe(api);

  // Another edit changes nothing but what is typed, and the empty element that a removed style left.
  await editNote(page);
  await type(page, "!");
  await saveNote(page);
  expect((await storedNotes(scene))[0]!.note.replace(/!<\/p>$/, "</p>")).toBe(api.replace("<span>x</span>", "x"));
});
