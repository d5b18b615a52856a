// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { countedLength, isBlank, mentionedPeople } from "./length";

const SITE = "https://app.example.com";
const ID = "6f1c2a34-9b7d-4e21-8c55-0a1b2c3d4e5f";

describe("countedLength", () => {
  it("counts characters as Unicode scalar values, with the markup", () => {
    expect(countedLength("<p>a😀é</p>", SITE)).toBe(10);
  });

  it("counts the tag of a mention at most with its canonical form", () => {
    const canonical = `<a data-user-id="${ID}" data-mention="true">`;
    expect(countedLength(canonical, SITE)).toBe(canonical.length);
    expect(countedLength(`<a data-user-id="${ID}" data-mention="pending" class="x">`, SITE)).toBe(canonical.length);
  });

  it("does not count the rel of a link, and the site's address before a path", () => {
    const link = '<a href="https://example.com/a>b">x</a>';
    expect(countedLength(link.replace(">x", ' rel="noopener noreferrer nofollow">x'), SITE)).toBe(link.length);
    expect(countedLength(`<a href="${SITE}/customers/1">x</a>`, SITE)).toBe('<a href="/customers/1">x</a>'.length);
  });
});

it("mentioned people are counted once, without anchors that are no mentions", () => {
  const html = `<a data-user-id="${ID}">@Budi Hartono</a> <a data-user-id="${ID}">@Budi</a> <a data-user-id="x" data-mention="false">@No</a>`;
  expect([...mentionedPeople(html)]).toEqual([[ID, "Budi Hartono"]]);
});

it("a note is blank without visible text", () => {
  expect(isBlank("<p></p><p> &nbsp;</p>")).toBe(true);
  expect(isBlank("<p>a</p>")).toBe(false);
});
