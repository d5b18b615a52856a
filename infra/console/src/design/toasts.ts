import { reactive, readonly } from "vue";

export interface Toast {
  id: number;
  tone: "success" | "danger" | "info";
  text: string;
  /** What the user can do about it. */
  action?: { label: string; run: () => void } | undefined;
}

const list = reactive<Toast[]>([]);
let last = 0;

/** The messages that are shown at present. */
export const toasts = readonly(list);

/** Shows a short message that goes away by itself. */
export function toast(tone: Toast["tone"], text: string, action?: Toast["action"]): void {
  last += 1;
  list.push({ id: last, tone, text, action });
}

export function dismissToast(id: number): void {
  const index = list.findIndex((shown) => shown.id === id);
  if (index >= 0) list.splice(index, 1);
}
