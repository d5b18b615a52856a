import { describe, expect, it } from "vitest";
import { Records } from "./records";

/** The lines and cells, or errors, of a text; the same cases as in `shared/src/import/records.rs`. */
const read = (text: string) => [...new Records(text, ",")].map(({ line, cells, error }) => [line, cells ?? error]);

describe("records", () => {
  it("are read with every line ending and their lines", () => {
    for (const text of ['a,b\r\n\r\n1,"x\r\ny"\r\n2,\r\n', 'a,b\n\n1,"x\r\ny"\n2,', 'a,b\r\r1,"x\r\ny"\r2,\r']) {
      expect(read(text)).toEqual([
        [1, ["a", "b"]],
        [3, ["1", "x\r\ny"]],
        [5, ["2", ""]],
      ]);
    }
  });

  it("have doubled quotes inside a quoted cell and literal ones inside another", () => {
    expect(read('"say ""hi""","",5" pipe, "x, y" \n')).toEqual([[1, ['say "hi"', "", '5" pipe', "x, y"]]]);
  });

  it("report the lines of an unclosed quote one by one", () => {
    const error = { kind: "unclosed", line: 2 };
    expect(read('a,b\n"1,2\n3,4\n5,6')).toEqual([
      [1, ["a", "b"]],
      [2, error],
      [3, error],
      [4, error],
    ]);
  });

  it("report text after a closing quote and go on in the next line", () => {
    expect(read('"5" pipe",x\n1,2\n')).toEqual([
      [1, { kind: "text", begin: 1, end: 1 }],
      [2, ["1", "2"]],
    ]);
    const two = { kind: "text", begin: 1, end: 2 };
    expect(read('1,"Lee\n"2","Ray"\n3,4\n')).toEqual([
      [1, two],
      [2, two],
      [3, ["3", "4"]],
    ]);
  });

  it("cover the whole text", () => {
    const text = 'a,b\n\n"1\n2",x\r\n"bad" x\nlast';
    expect([...new Records(text, ",")].map(({ start, end }) => text.slice(start, end))).toEqual(["a,b\n", '"1\n2",x\r\n', '"bad" x\n', "last"]);
  });
});
