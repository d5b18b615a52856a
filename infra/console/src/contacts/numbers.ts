/** What is wrong with the text of a number: it is none, or it cannot be stored exactly. */
export type NumberProblem = "number" | "digits";

const PLAIN = /^(-?)(\d*)(?:([.,])(\d*))?$/;
const withoutZeros = (whole: string, decimals: string) => `${whole.replace(/^0+/, "")}.${decimals.replace(/0+$/, "")}`;

/** A number with all its digits, never as `1e+21`. */
export function plainNumber(value: number): string {
  const [, sign = "", whole = "", decimals = "", exponent] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(`${value}`) ?? [];
  if (exponent === undefined) return `${value}`;
  const digits = whole + decimals;
  const point = whole.length + Number(exponent);
  return point > 0 ? sign + digits.padEnd(point, "0") : `${sign}0.${"0".repeat(-point)}${digits}`;
}

/**
 * Reads a number in plain notation. A comma is a decimal point, too; before three digits it may separate
 * thousands, and the text is refused.
 */
export function readNumber(text: string): number | NumberProblem {
  const [, sign = "", whole = "", mark, decimals = ""] = PLAIN.exec(text.trim()) ?? [];
  if ((!whole && !decimals) || (mark === "," && decimals.length === 3)) return "number";
  const value = Number(`${sign}${whole || "0"}.${decimals || "0"}`);
  const [readWhole = "", readDecimals = ""] = plainNumber(Math.abs(value)).split(".");
  return withoutZeros(readWhole, readDecimals) === withoutZeros(whole, decimals) ? value : "digits";
}

/** Exchanges points and commas: the difference between the English and the Indonesian notation. */
export const exchangeMarks = (text: string): string => text.replace(/[.,]/g, (mark) => (mark === "." ? "," : "."));
