import { Records, type QuoteError, type TextRecord } from "./records";

/** The delimiters of CSV files, by their names in the API. */
export const delimiters = { comma: ",", semicolon: ";", tab: "\t", pipe: "|" } as const;
export type Delimiter = keyof typeof delimiters;

const names = Object.keys(delimiters) as Delimiter[];

/** Why a file is not a table of contacts: what is wrong with its text, or which format it has. */
export type TableProblem = "empty" | "ambiguous" | "header" | "tooLarge" | "malformed" | "workbook" | "vcard" | "document";

/** A file that is not a table of contacts. */
export class TableError extends Error {
  override readonly name = "TableError";

  constructor(readonly kind: TableProblem, readonly line?: number) {
    super(kind);
  }
}

/** A row of the file. Rows without any value are left out. */
export interface TableRow {
  /** The number of the row, from 1. */
  number: number;
  line: number;
  start: number;
  end: number;
  error: QuoteError | null;
}

/** The text of a CSV file, its columns and the places of its rows. */
export interface Table {
  text: string;
  delimiter: Delimiter;
  headers: string[];
  /** The text up to the end of the header. Each part of the file begins with it. */
  head: string;
  rows: TableRow[];
}

/** The rows that are read before the page may react to the user. */
const TURN = 20_000;

/** Whether a cell has a character that is neither white space nor invisible. */
const hasValue = (cell: string) => /[^\s\p{Cc}\u200b-\u200f\u2060\ufeff\u00ad]/u.test(cell);

/** The first record that is not empty, which is the header. */
function firstWithValue(records: Records): TextRecord | undefined {
  for (const record of records) if (!record.cells || record.cells.some(hasValue)) return record;
  return undefined;
}

/** Reads a text. Without a delimiter, the first line `sep=;` or the header decides. */
export async function readTable(text: string, chosen: Delimiter | null): Promise<Table> {
  const named = firstLineDelimiter(text);
  const start = named?.end ?? 0;
  const delimiter = chosen ?? named?.delimiter ?? detectDelimiter(text, start);
  const records = new Records(text, delimiters[delimiter], start, named ? 2 : 1);
  const header = firstWithValue(records);
  if (!header) throw new TableError("empty");
  if (!header.cells) throw new TableError("header", header.line);
  const { at, line } = records.position;
  const table: Table = {
    text,
    delimiter,
    headers: header.cells.map((cell) => cell.trim()),
    head: text.slice(0, at),
    rows: [],
  };
  for (const record of new Records(text, delimiters[delimiter], at, line)) {
    if (record.cells && !record.cells.some(hasValue)) continue;
    table.rows.push({ number: table.rows.length + 1, line: record.line, start: record.start, end: record.end, error: record.error });
    if (table.rows.length % TURN === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  return table;
}

/** The cells of a row; null if they cannot be read. */
export function cellsOf(table: Table, row: TableRow): string[] | null {
  if (row.error) return null;
  const text = table.text.slice(row.start, row.end);
  return new Records(text, delimiters[table.delimiter])[Symbol.iterator]().next().value?.cells ?? null;
}

/** The delimiter that the first line names, as Excel writes it, and the end of that line. */
function firstLineDelimiter(text: string): { delimiter: Delimiter; end: number } | null {
  const match = /^[ "]*sep=(.)[ "]*(?:\r\n|\r|\n|$)/i.exec(text);
  const delimiter = names.find((name) => delimiters[name] === match?.[1]);
  return match && delimiter ? { delimiter, end: match[0].length } : null;
}

/** The delimiter that divides the header into most columns. */
function detectDelimiter(text: string, start: number): Delimiter {
  const counts = names.map((name) => {
    const header = firstWithValue(new Records(text, delimiters[name], start));
    return { name, count: header ? (header.cells?.length ?? null) : 0 };
  });
  const most = Math.max(...counts.map(({ count }) => count ?? 0));
  // A header that is unreadable with a delimiter contains that delimiter.
  if (most <= 1) return counts.find(({ count }) => count === null)?.name ?? "comma";
  const [best, other] = counts.filter(({ count }) => count === most);
  if (!best || other) throw new TableError("ambiguous");
  return best.name;
}
