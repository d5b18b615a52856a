/** How often each element, class and style occurs. */
function inventory(html: string): Map<string, number> {
  const found = new Map<string, number>();
  const count = (what: string) => found.set(what, (found.get(what) ?? 0) + 1);
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const element of page.body.querySelectorAll<HTMLElement>("*")) {
    if (element.localName !== "tbody") count(`<${element.localName}>`);
    element.classList.forEach((name) => count(`.${name}`));
    Array.from(element.style).forEach(count);
  }
  return found;
}

/** Elements that the editor writes in another way, without a difference for the reader. */
const SAME = new Set(["<b>", "<i>", "<strike>", "<del>", "<span>", "<div>"]);

/** Whether the editor's form of a note lacks formatting that the stored one has. */
export function isSimplified(stored: string, edited: string): boolean {
  const after = inventory(edited);
  return [...inventory(stored)].some(([what, count]) => !SAME.has(what) && (after.get(what) ?? 0) < count);
}
