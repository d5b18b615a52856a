import type { Editor } from "@tiptap/core";
import { selectedRect, isInTable } from "@tiptap/pm/tables";

const STEP = 20;
const MIN = 40;
const MAX = 800;
/** The width that a column without one of its own starts from. */
const DEFAULT = 120;

/** Sets the width of each selected column of a table, in px. */
export function setColumnWidth(editor: Editor, width: (before: number) => number): boolean {
  return editor.commands.command(({ state, tr, dispatch }) => {
    if (!isInTable(state)) return false;
    const { map, table, tableStart, left, right } = selectedRect(state);
    const seen = new Set<number>();
    for (let row = 0; row < map.height; row += 1) {
      for (let column = left; column < right; column += 1) {
        const position = map.map[row * map.width + column] ?? 0;
        const cell = tr.doc.nodeAt(tableStart + position) ?? table.nodeAt(position);
        if (!cell || seen.has(position * map.width + column)) continue;
        seen.add(position * map.width + column);
        const { colspan, colwidth } = cell.attrs as { colspan: number; colwidth: number[] | null };
        const widths = colwidth ? [...colwidth] : Array<number>(colspan).fill(0);
        const index = column - map.colCount(position);
        widths[index] = Math.round(Math.min(MAX, Math.max(MIN, width(widths[index] || DEFAULT))));
        tr.setNodeAttribute(tableStart + position, "colwidth", widths);
      }
    }
    dispatch?.(tr);
    return true;
  });
}

export const widenColumn = (editor: Editor) => setColumnWidth(editor, (before) => before + STEP);
export const narrowColumn = (editor: Editor) => setColumnWidth(editor, (before) => before - STEP);
