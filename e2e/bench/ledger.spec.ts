// The number of the ledger in the browser: all entries read from a real server and verified. Prints; never fails on one.
import { execFileSync } from "node:child_process";
import { type Page, expect, test } from "@playwright/test";
import { setUp, size } from "../support/ledger.ts";
import { Server, built } from "../support/server.ts";

/** Medians are taken over as many runs. */
const RUNS = 3;

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

function line(what: string, seen: string, target = ""): void {
  console.log(`  ${what.padEnd(46)} ${seen.padEnd(26)} ${target}`.trimEnd());
}

function atMost(what: string, seen: number, target: number, unit: string): void {
  line(what, `${seen.toFixed(2)}${unit}`, `at most ${target}${unit}: ${seen <= target ? "met" : "NOT met"}`);
}

/** Presses the button, and waits for the verdict on so many entries; in seconds. */
async function verify(page: Page, entries: number): Promise<number> {
  const button = page.getByRole("button", { name: "Verify everything" });
  // The page watches itself: asking it every few milliseconds would take the time that is measured.
  return button.evaluate(
    (button, entries) =>
      new Promise<number>((said) => {
        const start = performance.now();
        new MutationObserver((_, watch) => {
          const text = document.querySelector("main")?.textContent ?? "";
          if (!text.replace(/\s/g, "").includes(`${entries}entriesreadandverified`)) return;
          watch.disconnect();
          // Once it has been painted.
          requestAnimationFrame(() => setTimeout(() => said((performance.now() - start) / 1000)));
        }).observe(document.body, { childList: true, subtree: true, characterData: true });
        (button as HTMLElement).click();
      }),
    entries,
  );
}

test("verification of a long ledger in Chromium", async ({ page }) => {
  const server = await Server.start({ from: built("REQUORUM_BENCH_LEDGER", "a data directory with a long ledger") });
  try {
    await page.addInitScript(() => {
      (globalThis as any).requorumLongest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) {
          const page = globalThis as any;
          page.requorumLongest = Math.max(page.requorumLongest, duration);
        }
      }).observe({ type: "longtask" });
    });
    await setUp(page, server);
    const took: number[] = [];
    const shell: number[] = [];
    const longest: number[] = [];
    const entries = size(server);
    // The first round only warms the page cache.
    for (let round = 0; round <= RUNS; round++) {
      await page.goto(`${server.url}/ledger/verification`);
      await expect(page.getByRole("heading", { level: 1 })).toContainText(/holds|first time/);
      await page.evaluate(() => ((globalThis as any).requorumLongest = 0));
      const seconds = await verify(page, entries);
      const began = performance.now();
      const binary = built("REQUORUM_BIN", "the requorum binary");
      execFileSync(binary, ["audit", "verify", "--data-dir", server.dataDir]);
      if (round === 0) continue;
      took.push(seconds);
      shell.push((performance.now() - began) / 1000);
      longest.push(await page.evaluate(() => (globalThis as any).requorumLongest));
    }
    console.log(`\nin Chromium, a ledger of ${entries} entries, medians of ${RUNS} runs`);
    line("requorum audit verify, in the shell", `${median(shell).toFixed(2)} s`);
    atMost("every entry read and verified in the page", median(took), 3, " s");
    line("page / shell, time", (median(took) / median(shell)).toFixed(2));
    atMost("longest task of the page's main thread", Math.max(...longest), 100, " ms");
  } finally {
    await server.stop();
  }
});
