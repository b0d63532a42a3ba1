// The numbers of the browser, on the file that the command line was measured with. Prints; never fails on one.
import { execFileSync } from "node:child_process";
import { basename, join } from "node:path";
import { stat } from "node:fs/promises";
import { type Page, expect, test } from "@playwright/test";
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

/** Remembers, in page and worker alike, each WebAssembly memory, so that its size can be asked. */
const REMEMBER = `
for (const name of ["instantiate", "instantiateStreaming"]) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...given) => {
    const made = await original.apply(WebAssembly, given);
    const memory = (made.instance ?? made).exports?.memory;
    if (memory) (globalThis.requorumMemories ??= []).push(memory);
    return made;
  };
}
`;

/** Bytes of WebAssembly memory and of the JavaScript heap, page and workers together. */
async function memory(page: Page): Promise<number> {
  const wasm = () => {
    const memories: WebAssembly.Memory[] = (globalThis as any).requorumMemories ?? [];
    return memories.reduce((sum, one) => sum + one.buffer.byteLength, 0);
  };
  let sum = await page.evaluate(wasm);
  sum += await page.evaluate(() => (performance as any).memory?.usedJSHeapSize ?? 0);
  for (const worker of page.workers()) sum += await worker.evaluate(wasm).catch(() => 0);
  return sum;
}

test("verdict in Chromium against etcdutl and sha256sum", async ({ page }) => {
  const file = built("REQUORUM_BENCH_FILE", "the snapshot");
  const etcdutl = join(built("REQUORUM_ETCD", "the folder with etcd 3.5.1"), "etcdutl");
  const size = (await stat(file)).size;
  const server = await Server.start();
  try {
    await page.addInitScript(REMEMBER);
    await page.addInitScript(() => {
      (globalThis as any).requorumLongest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) {
          const page = globalThis as any;
          page.requorumLongest = Math.max(page.requorumLongest, duration);
        }
      }).observe({ type: "longtask" });
    });
    await page.route("**/assets/worker-*.js", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: REMEMBER + (await answer.text()) });
    });

    // First load, as it comes over the wire: what the server gives compressed.
    const needed = new Map<string, number>();
    page.on("requestfinished", async (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.endsWith(".db")) return;
      const sizes = await request.sizes().catch(() => undefined);
      if (sizes) needed.set(pathname, sizes.responseBodySize);
    });
    await page.goto(`${server.url}/inspect`);
    await page.waitForLoadState("networkidle");
    let first = 0;
    for (const [path, fallback] of needed) {
      const answer = await fetch(server.url + path, { headers: { "accept-encoding": "br" } });
      const length = Number(answer.headers.get("content-length"));
      await answer.body?.cancel();
      first += length || fallback;
    }

    const verdicts: number[] = [];
    const shells: number[] = [];
    const longest: number[] = [];
    const memories: number[] = [];
    // The first round only warms the page cache.
    for (let round = 0; round <= RUNS; round++) {
      const shell = performance.now();
      execFileSync(etcdutl, ["snapshot", "status", file]);
      execFileSync("sha256sum", [file]);
      const shellTook = performance.now() - shell;

      await page.goto(`${server.url}/inspect`);
      await page.waitForLoadState("networkidle");
      await page.evaluate(() => ((globalThis as any).requorumLongest = 0));
      const chooser = page.waitForEvent("filechooser");
      await page.getByRole("button", { name: /press to choose|click to browse/ }).click();
      const start = performance.now();
      await (await chooser).setFiles(file);
      const headline = page.getByRole("heading", { level: 1 });
      let most = 0;
      for (;;) {
        most = Math.max(most, await memory(page));
        const text = await headline.innerText();
        if (!/^(Reading|Drop)/.test(text)) break;
        await page.waitForTimeout(20);
      }
      const took = performance.now() - start;
      most = Math.max(most, await memory(page));
      expect(await headline.innerText()).toContain("Snapshot OK");
      if (round === 0) continue;
      verdicts.push(took / 1000);
      shells.push(shellTook / 1000);
      longest.push(await page.evaluate(() => (globalThis as any).requorumLongest));
      memories.push(most / 2 ** 20);
    }

    console.log(`\nin Chromium, ${basename(file)} (${(size / 1e9).toFixed(2)} GB), medians of ${RUNS} runs`);
    line("etcdutl 3.5.1 status and sha256sum, in the shell", `${median(shells).toFixed(2)} s`);
    line("full verdict in the page", `${median(verdicts).toFixed(2)} s`);
    atMost("verdict / shell, time", median(verdicts) / median(shells), 1, "");
    atMost("longest task of the page's main thread", Math.max(...longest), 100, " ms");
    atMost("JavaScript and WebAssembly memory, at most", Math.max(...memories), 300, " MiB");
    line("assets counted in the first load", String(needed.size));
    atMost("first load of /inspect, compressed", first / 1024, 700, " KiB");
  } finally {
    await server.stop();
  }
});
