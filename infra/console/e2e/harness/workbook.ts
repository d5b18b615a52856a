import { inflateRawSync } from "node:zlib";

const CENTRAL = 0x02014b50;

/** The files of a ZIP archive. */
function unzip(bytes: Buffer): Map<string, string> {
  const files = new Map<string, string>();
  const end = bytes.lastIndexOf(Buffer.from("PK\u0005\u0006", "latin1"));
  for (let at = bytes.readUInt32LE(end + 16); bytes.readUInt32LE(at) === CENTRAL; ) {
    const [size, name, extra, comment] = [bytes.readUInt32LE(at + 20), bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)];
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = bytes.subarray(start, start + size);
    const isDeflated = bytes.readUInt16LE(at + 10) === 8;
    files.set(bytes.toString("utf8", at + 46, at + 46 + name), (isDeflated ? inflateRawSync(content) : content).toString());
    at += 46 + name + extra + comment;
  }
  return files;
}

const plain = (xml: string) =>
  [...xml.matchAll(/<t[^>]*>([^<]*)<\/t>/g)]
    .map(([, text = ""]) => text)
    .join("")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");

/** The texts and numbers of a workbook's first sheet, row by row. */
export function readWorkbook(bytes: Buffer): string[][] {
  const files = unzip(bytes);
  const shared = [...(files.get("xl/sharedStrings.xml") ?? "").matchAll(/<si>(.*?)<\/si>/gs)].map(([, xml = ""]) => plain(xml));
  const sheet = files.get("xl/worksheets/sheet1.xml") ?? "";
  return [...sheet.matchAll(/<row[^>]*>(.*?)<\/row>/gs)].map(([, row = ""]) =>
    [...row.matchAll(/<c ([^>]*?)(?:\/>|>(.*?)<\/c>)/gs)].map(([, attributes = "", content = ""]) => {
      const value = /<v>([^<]*)<\/v>/.exec(content)?.[1] ?? "";
      if (attributes.includes('t="s"')) return shared[Number(value)] ?? "";
      return attributes.includes('t="inlineStr"') ? plain(content) : value;
    }),
  );
}
