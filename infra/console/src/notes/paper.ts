/** Elements that may have a color of their own. */
const COLORED = '[style*="color"], mark, [class*="marker-"], [class*="pen-"], [class*="ql-color-"], [class*="ql-bg-"]';

type Color = [number, number, number];

const papers: Record<"light-paper" | "dark-paper", { background: Color; text: Color }> = {
  "light-paper": { background: [255, 255, 255], text: [22, 32, 46] },
  "dark-paper": { background: [20, 24, 31], text: [234, 238, 244] },
};

function luminance(color: Color): number {
  const [red, green, blue] = color.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Color;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The contrast of two colors after WCAG 2: 1 to 21. */
export function contrast(one: Color, other: Color): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function parse(color: string): Color | null {
  const [red, green, blue, alpha = 1] = (color.match(/[\d.]+/g) ?? []).map(Number);
  return red === undefined || green === undefined || blue === undefined || alpha === 0 ? null : [red, green, blue];
}

/** Whether an element has text that is not in another element. */
const hasText = (element: HTMLElement) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
const ownColor = (element: HTMLElement) =>
  (element.style.color !== "" && element.style.color !== "inherit") || /(?:^|\s)(?:pen-|ql-color-)/.test(element.className);
const ownBackground = (element: HTMLElement) =>
  element.style.backgroundColor !== "" || element.localName === "mark" || /(?:^|\s)(?:marker-|ql-bg-)/.test(element.className);

/** The value of the nearest element, from this one up to the note, that has one of its own. */
function nearest(element: HTMLElement, root: HTMLElement, has: (element: HTMLElement) => boolean, property: "color" | "backgroundColor"): Color | null {
  for (let at: HTMLElement | null = element; at && at !== root; at = at.parentElement) {
    if (has(at)) return parse(getComputedStyle(at)[property]);
  }
  return null;
}

/**
 * The ground on which a note with colors of its own can be read best, whatever the theme is. Null for
 * a note without colors: it follows the theme.
 */
export function paperFor(root: HTMLElement): keyof typeof papers | null {
  if (!root.querySelector(COLORED)) return null;
  const pairs = [...root.querySelectorAll<HTMLElement>("*")]
    .filter(hasText)
    .map((element) => [nearest(element, root, ownColor, "color"), nearest(element, root, ownBackground, "backgroundColor")] as const)
    .filter(([front, back]) => front !== null || back !== null);
  if (!pairs.length) return null;
  const worst = ({ text, background }: (typeof papers)["light-paper"]) => Math.min(...pairs.map(([front, back]) => contrast(front ?? text, back ?? background)));
  return worst(papers["dark-paper"]) > worst(papers["light-paper"]) ? "dark-paper" : "light-paper";
}
