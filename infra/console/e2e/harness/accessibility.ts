import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect } from "vitest";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  help: string;
  nodes: { target: unknown[]; failureSummary?: string }[];
}

interface Axe {
  configure: (spec: object) => void;
  run: (root: Document, options: object) => Promise<{ violations: Violation[] }>;
}

/** The rules of axe-core whose result depends on colors. */
const COLOR_RULES = ["color-contrast", "link-in-text-block"];

/**
 * Checks the page, as it is now, with axe-core: WCAG 2.2 AA and good practice in the light theme, and
 * the rules about colors in the dark theme, which differs in nothing else.
 */
export async function expectAccessible(page: Page): Promise<void> {
  // `evaluate` runs outside of the page's security policy.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const options = { reporter: "no-passes", ...(colorScheme === "dark" && { runOnly: COLOR_RULES }) };
    const violations = await page.evaluate(async (options) => {
      // The next frame has the styles of the theme. With reduced motion there are no transitions, and all animations end.
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
      const { axe } = window as unknown as { axe: Axe };
      // Menus and lists are at the end of the document, outside of its landmarks; focus and keys connect them with their buttons.
      const popper = "[data-reka-popper-content-wrapper]";
      axe.configure({ rules: [{ id: "region", selector: `body *:not(${popper}, ${popper} *)` }] });
      return (await axe.run(document, options)).violations;
    }, options);
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${colorScheme} ${id}: ${node.target.join(" ")} ${node.failureSummary ?? ""}`),
    );
    expect(found).toEqual([]);
  }
}
