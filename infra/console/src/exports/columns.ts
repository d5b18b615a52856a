import type { Schema } from "@/api";

/** The most columns of a file. */
export const MAX_COLUMNS = 100;

/** A column of a file; without a label it has the name of its field. */
export interface Column {
  field: string;
  label: string;
}

/** The columns of a layout. */
export function columnsOf(layout: Pick<Schema<"Layout">, "fields">): Column[] {
  return layout.fields.map(({ field, label }) => ({ field, label: label ?? "" }));
}

/** The columns as a layout has them. */
export function layoutFields(columns: readonly Column[]): { field: string; label: string | null }[] {
  return columns.map(({ field, label }) => ({ field, label: label.trim() || null }));
}

/** Whether columns are those of a layout. */
export function isSame(columns: readonly Column[], layout: Pick<Schema<"Layout">, "fields">): boolean {
  return JSON.stringify(layoutFields(columns)) === JSON.stringify(layoutFields(columnsOf(layout)));
}

/** The list after one of its items has moved. */
export function moved<Item>(list: readonly Item[], from: number, to: number): Item[] {
  const rest = list.filter((_, index) => index !== from);
  const item = list[from];
  return item === undefined ? [...list] : [...rest.slice(0, to), item, ...rest.slice(to)];
}
