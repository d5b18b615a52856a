import { expect, test } from "vitest";
import { clearFaults, expectAccessible, fault } from "./harness";
import { createNoteScene, deactivate, mention, noteBy, openContact, storeNote } from "./scenes/notes";

test("NOTE-MENTION-S05 AC-1, AC-2, CHG-004: on hover the card shows name, email, staff level and all teams", async () => {
  const scene = await createNoteScene({ teams: ["Sales", "CRM"], people: { "Rina Kusuma": { staffLevel: "Supervisor", teams: ["Sales", "CRM"] } } });
  const rina = scene.people["Rina Kusuma"]!;
  await storeNote(scene, scene.sinta, `<p>Hi ${mention(rina)}</p>`);
  const page = await openContact(scene);
  await page.getByRole("button", { name: "@Rina Kusuma" }).hover();
  const card = page.getByRole("tooltip");
  for (const text of ["Rina Kusuma", rina.email, "Supervisor"]) await card.getByText(text, { exact: true }).waitFor();
  expect((await card.locator("dd").last().innerText()).split(", ").sort()).toEqual(["CRM", "Sales"]);
  await expectAccessible(page);
});

test("NOTE-MENTION-S05 AC-3: the card closes when the pointer leaves, and the note stays readable", async () => {
  const scene = await createNoteScene();
  await storeNote(scene, scene.sinta, `<p>Hi ${mention(scene.budi)}</p>`);
  const page = await openContact(scene);
  const chip = page.getByRole("button", { name: "@Budi Hartono" });
  const card = page.getByRole("tooltip");
  await chip.hover();
  await card.getByText(scene.budi.email).waitFor();
  // The card stays while the pointer is on it.
  await card.hover();
  await page.mouse.move(1, 1);
  await card.waitFor({ state: "detached" });
  expect(await noteBy(page, "Sinta Maharani").locator(".note-text").innerText()).toBe("Hi @Budi Hartono");
});

test("NOTE-MENTION-S05 AC-1: the keyboard opens the card with the focus, and Escape closes it", async () => {
  const scene = await createNoteScene();
  await storeNote(scene, scene.sinta, `<p>Hi ${mention(scene.budi)}</p>`);
  const page = await openContact(scene);
  await page.getByRole("button", { name: "@Budi Hartono" }).focus();
  const card = page.getByRole("tooltip");
  await card.getByText(scene.budi.email).waitFor();
  expect(await page.getByRole("button", { name: "@Budi Hartono" }).getAttribute("aria-describedby")).toBe(await card.getAttribute("id"));
  await page.keyboard.press("Escape");
  await card.waitFor({ state: "detached" });
});

test("NOTE-MENTION-S05 AC-1, AC-3: on a phone a tap opens the card, and a tap elsewhere closes it", async () => {
  const scene = await createNoteScene();
  await storeNote(scene, scene.sinta, `<p>Hi ${mention(scene.budi)}</p>`);
  const page = await openContact(scene, scene.sinta, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await page.getByRole("button", { name: "@Budi Hartono" }).tap();
  const card = page.getByRole("tooltip");
  await card.getByText(scene.budi.email).waitFor();
  const box = (await card.boundingBox())!;
  expect(box.x >= 0 && box.x + box.width <= 390).toBe(true);
  await page.touchscreen.tap(200, 830);
  await card.waitFor({ state: "detached" });
});

test("NOTE-MENTION-S05 ERR-1: the card of a person who left shows the last-known name and that they are inactive or not found", async () => {
  const scene = await createNoteScene({ people: { "Agus Wijaya": {} } });
  const agus = scene.people["Agus Wijaya"]!;
  await storeNote(scene, scene.sinta, `<p>Hi ${mention(agus)}</p>`);
  await deactivate(scene, agus);
  const page = await openContact(scene);
  await page.getByRole("button", { name: "@Agus Wijaya" }).hover();
  const card = page.getByRole("tooltip");
  await card.getByText("Inactive or not found").waitFor();
  await card.getByText("Agus Wijaya", { exact: true }).waitFor();
  expect(await card.locator(".inactive .mark").isVisible()).toBe(true);
  await expectAccessible(page);
});

test("NOTE-MENTION-S05 ERR-2: if the lookup fails, the card shows the name and \"Couldn't load details.\"", async () => {
  const scene = await createNoteScene();
  await storeNote(scene, scene.sinta, `<p>Hi ${mention(scene.budi)}</p>`);
  const page = await openContact(scene);
  await page.getByRole("button", { name: "@Budi Hartono" }).waitFor();
  try {
    await fault({ target: "launchpad.users", status: 500 });
    await page.getByRole("button", { name: "@Budi Hartono" }).hover();
    const card = page.getByRole("tooltip");
    await card.getByText("Couldn't load details.").waitFor();
    await card.getByText("Budi Hartono", { exact: true }).waitFor();
    expect(await noteBy(page, "Sinta Maharani").innerText()).toContain("Hi @Budi Hartono");
  } finally {
    await clearFaults();
  }
});

test("NOTE-MENTION-S05 UI states, ERR-2: the card shows that it loads, and the name alone if the request does not arrive", async () => {
  const scene = await createNoteScene();
  await storeNote(scene, scene.sinta, `<p>Hi ${mention(scene.budi)}</p>`);
  const page = await openContact(scene);
  const card = page.getByRole("tooltip");
  await page.route("**/cdp/people/*", async (route) => {
    await card.getByText("Loading details…").waitFor({ state: "attached" });
    await route.abort();
  });
  await page.getByRole("button", { name: "@Budi Hartono" }).hover();
  await card.getByText("Couldn't load details.").waitFor();
  await card.getByText("Budi Hartono", { exact: true }).waitFor();
});
