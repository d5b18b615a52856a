import { describe, expect, it } from "vitest";
import { isSame, layoutFields, moved } from "./columns";

describe("columns", () => {
  it("move to another place", () => {
    expect(moved(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
    expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b"], 5, 0)).toEqual(["a", "b"]);
  });

  it("have no label where the user typed none", () => {
    expect(layoutFields([{ field: "name", label: " " }, { field: "phone", label: "Mobile " }])).toEqual([
      { field: "name", label: null },
      { field: "phone", label: "Mobile" },
    ]);
  });

  it("are those of a layout with the same fields and labels in the same order", () => {
    const layout = { fields: [{ field: "name", label: null }, { field: "phone", label: "Mobile" }] };
    expect(isSame([{ field: "name", label: "" }, { field: "phone", label: "Mobile" }], layout)).toBe(true);
    expect(isSame([{ field: "phone", label: "Mobile" }, { field: "name", label: "" }], layout)).toBe(false);
    expect(isSame([{ field: "name", label: "" }, { field: "phone", label: "" }], layout)).toBe(false);
  });
});
