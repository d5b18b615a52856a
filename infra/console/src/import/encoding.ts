import { TableError } from "./table";

/** Encodings that a user can choose, by their names in the WHATWG standard. */
export const encodings = ["utf-8", "utf-16le", "windows-1252", "windows-1250", "iso-8859-2", "macintosh", "shift_jis", "gb18030"] as const;

/** The bytes at the start of a file that show whether it is UTF-16 without a byte order mark. */
const SAMPLE = 1024;

const starts = (bytes: Uint8Array, mark: number[]) => mark.every((byte, index) => bytes[index] === byte);

/** The beginnings of files that are not CSV, as the API knows them (`shared/src/import/format.rs`). */
const otherFormats = [
  [/^(pk\x03\x04|\xd0\xcf\x11\xe0)/i, "workbook"],
  [/^begin:vcard/i, "vcard"],
  [/^(<!doctype|<html|<table|<\?xml|<workbook|%pdf-)/i, "document"],
] as const;

/** The format of a file that is not CSV; null if it can be CSV. */
export function otherFormat(bytes: Uint8Array): (typeof otherFormats)[number][1] | null {
  const start = String.fromCharCode(...bytes.subarray(0, 64)).replace(/^\xef\xbb\xbf/, "");
  return otherFormats.find(([pattern]) => pattern.test(start.trimStart()))?.[1] ?? null;
}

/** The encoding of a file, if its bytes are certain; null if the API must find it out. */
export function certainEncoding(bytes: Uint8Array): string | null {
  if (starts(bytes, [0xef, 0xbb, 0xbf])) return "utf-8";
  if (starts(bytes, [0xff, 0xfe])) return "utf-16le";
  if (starts(bytes, [0xfe, 0xff])) return "utf-16be";
  return utf16(bytes) ?? (isUtf8(bytes) ? "utf-8" : null);
}

/** UTF-16 is recognized by its zeros, because names of columns are mostly ASCII. */
function utf16(bytes: Uint8Array): string | null {
  const sample = bytes.subarray(0, SAMPLE);
  const zeros = (from: number) => sample.filter((byte, index) => index % 2 === from && byte === 0).length;
  const [even, odd] = [zeros(0), zeros(1)];
  const many = sample.length / 4;
  if (bytes.length % 2 !== 0) return null;
  if (odd > many && even < odd / 4) return "utf-16le";
  return even > many && odd < even / 4 ? "utf-16be" : null;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The text of a file. A character that is not valid in the encoding is an error; none is replaced. */
export function decodeFile(bytes: Uint8Array, encoding: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    const [before = ""] = new TextDecoder(encoding).decode(bytes).split("\ufffd");
    throw new TableError("malformed", before.split("\n").length);
  }
}

/** The beginning of a file, up to the end of a line, as a sample from which the API detects the encoding. */
export function byteSample(bytes: Uint8Array, limit: number): Uint8Array {
  if (bytes.length <= limit) return bytes;
  const end = bytes.lastIndexOf(0x0a, limit - 1);
  return bytes.subarray(0, end > 0 ? end + 1 : limit);
}
