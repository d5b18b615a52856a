/** An import that stopped before the end of its file. It outlives the page, so that nothing is lost with it. */
export interface Interrupted {
  user: string;
  name: string;
  size: number;
  modified: number;
  /** The first row without a result. */
  row: number;
  /** The fields that the user chose, by the numbers of their columns. */
  fields: Record<number, string>;
}

const KEY = "console.import";

export function remember(interrupted: Interrupted): void {
  window.localStorage.setItem(KEY, JSON.stringify(interrupted));
}

export function forget(): void {
  window.localStorage.removeItem(KEY);
}

/** The user's interrupted import of this file, if there is one. */
export function recall(user: string, file: File): Interrupted | null {
  try {
    const stored = JSON.parse(window.localStorage.getItem(KEY) ?? "null") as Interrupted | null;
    const same = stored?.user === user && stored.name === file.name && stored.size === file.size && stored.modified === file.lastModified;
    return same && Number.isInteger(stored.row) ? stored : null;
  } catch {
    // Unreadable content is ignored.
    return null;
  }
}
