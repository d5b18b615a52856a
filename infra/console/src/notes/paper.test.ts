// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { contrast, paperFor } from "./paper";

function paper(html: string) {
  const root = document.createElement("div");
  root.innerHTML = html;
  document.body.replaceChildren(root);
  return paperFor(root);
}

describe("the ground of a note", () => {
  it("follows the theme if the note has no colors", () => {
    expect(paper("<p>plain <strong>bold</strong> <span style='font-size: 18px'>large</span></p>")).toBeNull();
  });

  it("is light for dark text and for light highlights that inherit the color of the text", () => {
    expect(paper("<p><span style='color: rgb(180, 35, 24)'>red</span></p>")).toBe("light-paper");
    expect(paper("<p><mark style='background-color: rgb(255, 204, 0); color: inherit'>marked</mark></p>")).toBe("light-paper");
  });

  it("is dark for light text, unless the text has a background of its own", () => {
    expect(paper("<p><span style='color: rgb(255, 255, 255)'>white</span></p>")).toBe("dark-paper");
    expect(paper("<p style='background-color: rgb(0, 0, 0)'><span style='color: rgb(255, 255, 255)'>white on black</span></p>")).toBe("light-paper");
  });
});

it("contrast is that of WCAG 2", () => {
  expect(contrast([255, 255, 255], [0, 0, 0])).toBeCloseTo(21);
  expect(contrast([118, 118, 118], [255, 255, 255])).toBeCloseTo(4.54, 2);
});
