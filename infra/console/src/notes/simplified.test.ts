// @vitest-environment jsdom
import { expect, it } from "vitest";
import { isSimplified } from "./simplified";

it("a note that the editor can write has all its formatting, also where the editor adds elements", () => {
  const table = '<table style="width: 200px"><tr><td colwidth="120"><p>a</p></td></tr></table>';
  expect(isSimplified(table, table.replace("<tr>", "<tbody><tr>").replace("</tr>", "</tr></tbody>"))).toBe(false);
  expect(isSimplified("<h1>H</h1>", "<h1>H</h1><p></p>")).toBe(false);
  expect(isSimplified("<p><b>x</b> <span>y</span></p>", "<p><strong>x</strong> y</p>")).toBe(false);
});

it("a note loses formatting if the editor lacks an element, a class or a style of it", () => {
  expect(isSimplified('<p class="ql-align-center">x</p>', "<p>x</p>")).toBe(true);
  expect(isSimplified('<p style="text-indent: 20px">x</p>', "<p>x</p>")).toBe(true);
  expect(isSimplified("<dl><dt>x</dt></dl>", "<p>x</p>")).toBe(true);
});
