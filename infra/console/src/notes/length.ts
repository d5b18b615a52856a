/** The limits of the API. */
export const LENGTH_LIMIT = 10_000;
export const PEOPLE_LIMIT = 10;

const REL = ' rel="noopener noreferrer nofollow"';
const CANONICAL_TAG = '<a data-user-id="00000000-0000-0000-0000-000000000000" data-mention="true">'.length;
/** Start tags of anchors, with quoted values that may contain `>`. */
const ANCHORS = /<a(?=[\s>])(?:[^">]|"[^"]*")*>/g;

/** Characters as the API counts them: Unicode scalar values. */
const scalars = (text: string) => [...text].length;

/**
 * The length of a note, counted as the API counts it: the start tag of a mention counts at most with
 * its canonical form; the `rel` of a link and the site's own address before a path do not count.
 */
export function countedLength(html: string, site: string): number {
  let length = scalars(html);
  for (const [tag] of html.matchAll(ANCHORS)) {
    if (tag.includes(" data-user-id=")) {
      length -= Math.max(0, scalars(tag) - CANONICAL_TAG);
      continue;
    }
    if (tag.includes(REL)) length -= REL.length;
    if (tag.includes(` href="${site}/`)) length -= scalars(site);
  }
  return length;
}

/** The people whom a note mentions: the id with the name of the first mention. */
export function mentionedPeople(html: string): Map<string, string> {
  const people = new Map<string, string>();
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const anchor of page.querySelectorAll<HTMLElement>("a[data-user-id]")) {
    const id = anchor.dataset["userId"] ?? "";
    if (id && anchor.dataset["mention"] !== "false" && !people.has(id)) people.set(id, (anchor.textContent ?? "").replace(/^@/, ""));
  }
  return people;
}

/** Whether a note has no visible text. */
export function isBlank(html: string): boolean {
  return html.replace(/<[^>]*>|&nbsp;/g, "").trim() === "";
}
