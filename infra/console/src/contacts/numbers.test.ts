import { describe, expect, it } from "vitest";
import { exchangeMarks, plainNumber, readNumber } from "./numbers";

describe("the text of a number", () => {
  it("is read with a point or a comma before its decimals", () => {
    expect(["12", "-0.50", "1,5", ".5", "5.", "007", "1.234"].map(readNumber)).toEqual([12, -0.5, 1.5, 0.5, 5, 7, 1.234]);
  });

  it("is refused in any other notation, and where a comma may separate thousands", () => {
    for (const text of ["0x10", "1e3", "many", ".", "-", "1 000", "1,500", "1,234,567", "Infinity", "١٢"]) expect(readNumber(text), text).toBe("number");
  });

  it("is refused if the number would be rounded", () => {
    for (const text of ["12345678901234567890", "9007199254740993", "0.1234567890123456789", "9".repeat(400)]) expect(readNumber(text), text).toBe("digits");
    expect(["9007199254740992", "0.30000000000000004", "100000000000000000000000", "0.00000015"].map(readNumber)).toEqual([9007199254740992, 0.1 + 0.2, 1e23, 1.5e-7]);
  });

  it("is the number that it was printed from", () => {
    for (const value of [0, 3, -1.5, 1e21, 1.5e23, -1.25e-7, 5e-324, Number.MAX_VALUE]) expect(readNumber(plainNumber(value)), plainNumber(value)).toBe(value);
  });

  it("has a comma before the decimals in Indonesian", () => {
    expect(readNumber(exchangeMarks("1,5"))).toBe(1.5);
    expect(readNumber(exchangeMarks("1.5"))).toBe(1.5);
    expect(readNumber(exchangeMarks("1,500"))).toBe(1.5);
    expect(readNumber(exchangeMarks("1.500"))).toBe("number");
    expect(exchangeMarks(plainNumber(-1234.5))).toBe("-1234,5");
  });
});
