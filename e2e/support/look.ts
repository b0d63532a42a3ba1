// Looks at a page as the guidelines do: both themes, wide and narrow.
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Page, expect } from "@playwright/test";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type Violation = { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] };

/** What the badge must never say of a ledger that nobody has touched, however busy it is. */
const ALARM = /failed|not trusted/;

/**
 * Fails on any axe violation, on a page wider than the screen, in light and dark, at 1280 and 360 px; and on an alarm
 * about the ledger, where nobody has `tampered` with it.
 */
export async function looksRight(page: Page, { tampered = false } = {}): Promise<void> {
  if (!tampered) await expect(page.locator("footer").filter({ hasText: ALARM })).toHaveCount(0);
  const before = page.viewportSize();
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 360]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 900 });
      const name = `${new URL(page.url()).pathname}, ${colorScheme}, ${width} px`;
      const found = await violations(page);
      expect(found, name).toEqual([]);
      expect(await overhang(page), `${name}: wider than the screen`).toEqual([]);
      await keep(page, name);
    }
  }
  if (before) await page.setViewportSize(before);
}

/** What makes a page wider than the screen, the outermost first. */
function overhang(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > clientWidth + 0.5);
    const names = wide.map((e) => `${e.tagName.toLowerCase()}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`);
    return [`${scrollWidth - clientWidth} px too wide`, ...names.slice(0, 8)];
  });
}

let kept = 0;

/** With REQUORUM_SHOTS naming a folder, every look is kept there as a picture, for a person to look at. */
async function keep(page: Page, name: string): Promise<void> {
  const folder = process.env.REQUORUM_SHOTS;
  if (!folder) return;
  const file = `${String(++kept).padStart(3, "0")}-${process.pid}${name.replace(/[^a-z0-9]+/gi, "-")}.png`;
  await page.screenshot({ path: join(folder, file), fullPage: true });
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found: Violation[] = await page.evaluate(async () => {
    // What a bar that stays in view covers is a scroll away: targets are measured without it.
    for (const element of document.querySelectorAll<HTMLElement>("body *")) {
      if (getComputedStyle(element).position === "sticky") element.style.setProperty("position", "static", "important");
    }
    const results = await (globalThis as any).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    for (const element of document.querySelectorAll<HTMLElement>("[style*='static !important']")) {
      element.style.removeProperty("position");
    }
    return results.violations;
  });
  return found.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`),
  );
}
