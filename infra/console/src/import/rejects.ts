import { cellsOf, delimiters, type Table } from "./table";
import type { RejectedRow } from "./run";

/** The columns that a file of rejected rows has in addition. An import ignores them. */
const added = ["Import row", "Import line", "Import error"];

/**
 * The rejected rows as a CSV file, with their reasons. After a correction it can be imported itself.
 * A row without readable cells is in the first cell.
 */
export function rejectedFile(table: Table, rejected: RejectedRow[], explain: (row: RejectedRow) => string): string {
  const delimiter = delimiters[table.delimiter];
  const width = table.headers.length;
  const lines = [...rejected]
    .sort((a, b) => a.row.number - b.row.number)
    .map((one) => {
      const cells = cellsOf(table, one.row);
      const text = table.text.slice(one.row.start, one.row.end).replace(/[\r\n]+$/, "");
      const own = cells && cells.length <= width ? cells : [text];
      const padded = [...own, ...Array<string>(width - own.length).fill("")];
      return [...padded, `${one.row.number}`, `${one.row.line}`, explain(one)];
    });
  const quote = (cell: string) => (/["\r\n]/.test(cell) || cell.includes(delimiter) || cell !== cell.trim() ? `"${cell.replaceAll('"', '""')}"` : cell);
  return `\ufeff${[[...table.headers, ...added], ...lines].map((line) => line.map(quote).join(delimiter)).join("\r\n")}\r\n`;
}

/** Saves a text as a file on the user's device. */
export function saveFile(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
