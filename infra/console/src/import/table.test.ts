import { describe, expect, it } from "vitest";
import { byteSample, certainEncoding, decodeFile, otherFormat } from "./encoding";
import { rejectedFile } from "./rejects";
import { readTable, TableError } from "./table";

describe("a table", () => {
  it("has the delimiter of its header or of its first line", async () => {
    for (const [text, delimiter] of [
      ["Name,Email\na;b;c,d", "comma"],
      ["Name;Email\na,b,c,d;e", "semicolon"],
      ["Name\tEmail\n", "tab"],
      ["Email\na@b.id", "comma"],
      ['"Last, first";Email;Phone\n', "semicolon"],
      ["sep=;\r\nEmail\r\n", "semicolon"],
      ["SEP=\t\nEmail,x\tName\n", "tab"],
      ['"sep=|"\nName|Email\n', "pipe"],
    ] as const) {
      expect((await readTable(text, null)).delimiter, text).toBe(delimiter);
    }
    await expect(readTable("Name;Last, first\n", null)).rejects.toEqual(new TableError("ambiguous"));
    expect((await readTable("Name;Last, first\n", "semicolon")).headers).toEqual(["Name", "Last, first"]);
  });

  it("begins with the first row that has a value", async () => {
    const table = await readTable(",,,\r\n\r\nName,Email,,\r\nAnn,a@b.id,,\r\n", null);
    expect(table.headers).toEqual(["Name", "Email", "", ""]);
    expect(table.rows.map(({ line }) => line)).toEqual([4]);
    await expect(readTable(",,\n", null)).rejects.toEqual(new TableError("empty"));
  });

  it("leaves out rows without a value and keeps the lines of the others", async () => {
    const table = await readTable("sep=,\nName,Email\n,\n\nAnn,a@b.id\n , \nBob,b@b.id", null);
    expect(table.head).toBe("sep=,\nName,Email\n");
    expect(table.rows.map(({ number, line }) => [number, line])).toEqual([
      [1, 5],
      [2, 7],
    ]);
  });
});

describe("the encoding of a file", () => {
  const utf16 = (text: string) => Uint8Array.from([...text].flatMap((char) => [char.charCodeAt(0) & 255, char.charCodeAt(0) >> 8]));

  it("is certain for UTF-8, for UTF-16 and with a byte order mark", () => {
    expect(certainEncoding(new TextEncoder().encode("Nama\nZoë"))).toBe("utf-8");
    expect(certainEncoding(utf16("Name\nZoe\n"))).toBe("utf-16le");
    expect(certainEncoding(utf16("\ufeffName\n"))).toBe("utf-16le");
    expect(certainEncoding(Uint8Array.from([0x5a, 0xeb, 0x0a]))).toBeNull();
  });

  it("is not asked for a file of another format", () => {
    for (const [start, format] of [
      ["PK\u0003\u0004\u0014", "workbook"],
      ["\xd0\xcf\x11\xe0\xa1", "workbook"],
      ["BEGIN:VCARD\r\n", "vcard"],
      ["\xef\xbb\xbf <!DOCTYPE html>", "document"],
      ["PK,Email\n", null],
      ["", null],
    ] as const) {
      expect(otherFormat(Uint8Array.from([...start].map((char) => char.charCodeAt(0)))), start).toBe(format);
    }
  });

  it("never replaces a character", () => {
    expect(decodeFile(Uint8Array.from([0x5a, 0xeb]), "windows-1252")).toBe("Zë");
    expect(decodeFile(Uint8Array.from([0x8e, 0x8d]), "macintosh")).toBe("éç");
    expect(() => decodeFile(Uint8Array.from([0x0a, 0x5a, 0xeb, 0x0a]), "utf-8")).toThrow(new TableError("malformed", 2));
  });

  it("is detected from whole lines", () => {
    expect(byteSample(new TextEncoder().encode("ab\ncd\nef"), 5)).toEqual(new TextEncoder().encode("ab\n"));
  });
});

describe("the file of rejected rows", () => {
  it("has the cells of the rows and the reasons, in the order of the file", async () => {
    const table = await readTable('Name;Email\n"A; B";x\nC;d;e\n', null);
    const [first, second] = table.rows;
    const rejected = [second!, first!].map((row) => ({ row, reason: { kind: "large" as const } }));
    expect(rejectedFile(table, rejected, ({ row }) => `reason ${row.number}`)).toBe(
      '\ufeffName;Email;Import row;Import line;Import error\r\n"A; B";x;1;2;reason 1\r\n"C;d;e";;2;3;reason 2\r\n',
    );
  });
});
