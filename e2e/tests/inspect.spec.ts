// A stranger drops files on /inspect: the truth about them, and nothing leaves the browser.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, signIn, test } from "../support/console.ts";
import { Etcd, freePort } from "../support/etcd.ts";
import { choose, cut, fixture, flipped, given, resealed, saidOf, testdata } from "../support/files.ts";
import { looksRight } from "../support/look.ts";

const headline = { level: 1 } as const;

test("the empty page says what to do, and the sample opens", async ({ page }) => {
  await page.goto("/inspect");
  await expect(page.getByRole("heading", headline)).toContainText("Drop a file");
  await expect(page.getByText("Nothing leaves this browser")).toBeVisible();
  await looksRight(page);
  await page.getByRole("button", { name: "Open a sound sample" }).click();
  await expect(page.getByRole("heading", headline)).toContainText("Snapshot OK");
  await looksRight(page);
  // The other one shows what damage looks like: it is named, placed, and its mark is another.
  await page.goto("/inspect");
  await page.getByRole("button", { name: "Open a damaged sample" }).click();
  await expect(page.getByRole("heading", headline)).toContainText("Do not restore this file: ");
  await expect(page.getByRole("heading", headline)).toContainText("key revisions are lost");
  await page.getByRole("navigation", { name: "Parts of this file" }).getByRole("link", { name: /Findings/ }).click();
  await expect(page.locator(".finding.blocking").first()).toBeVisible();
  await looksRight(page);
});

for (const name of ["3.4.23-mixed", "3.5.33-lease", "3.6.14-three", "3.7.1-auth", "3.5.33-empty"]) {
  test(`${name} gives what the real tools said`, async ({ page }) => {
    const said = await saidOf(name);
    await page.goto("/inspect");
    await choose(page, await fixture(name));
    await expect(page.getByRole("heading", headline)).toContainText("Snapshot OK");
    const newest = said.status["etcdutl 3.7.1"];
    const main = page.getByRole("main");
    await expect(main).toContainText(newest.hash.toString(16));
    // Digits are grouped for people.
    const digits = (await main.innerText()).replaceAll(/(?<=\d)[\s\u00a0\u202f](?=\d)/g, "");
    expect(digits).toContain(String(newest.revision));
    expect(digits).toContain(String(newest.totalKey));
    expect(digits).toContain(String(said.status["etcdutl 3.5.33"].totalKey));
    await looksRight(page);
  });
}

test("nothing of the file leaves the browser", async ({ page, server }) => {
  const sent: string[] = [];
  await page.goto("/inspect");
  await page.waitForLoadState("networkidle");
  page.on("request", (request) => {
    sent.push(`${request.method()} ${request.url()} ${request.postDataBuffer()?.length ?? 0}`);
  });
  await choose(page, await fixture("3.6.14-mixed"));
  await expect(page.getByRole("heading", headline)).toContainText("Snapshot OK");
  const elsewhere = sent.filter((line) => !line.startsWith(`GET ${server.url}/assets/`) && !line.startsWith("GET blob:"));
  expect(elsewhere).toEqual([]);
});

test("a flipped bit is found and placed", async ({ page }) => {
  await page.goto("/inspect");
  const good = await fixture("3.6.14-mixed");
  await choose(page, flipped(good, 5 * 4096 + 600));
  await expect(page.getByRole("heading", headline)).not.toContainText("Snapshot OK");
  await expect(page.getByRole("main")).toContainText(/SHA-256|trailer/);
  await looksRight(page);
});

test("a truncated file is never called whole", async ({ page }) => {
  const good = await fixture("3.6.14-mixed");
  for (const length of [1, 17, 4095, 4096, 8192, 40_000, good.buffer.length - 32, good.buffer.length - 1]) {
    await page.goto("/inspect");
    await choose(page, cut(good, length));
    await expect(page.getByRole("heading", headline), `cut to ${length}`).not.toContainText(/Drop a file|Reading/);
    await expect(page.getByRole("heading", headline), `cut to ${length}`).not.toContainText("Snapshot OK");
  }
});

test("what is no snapshot is named as such", async ({ page }) => {
  await page.goto("/inspect");
  await choose(page, given("notes.txt", "dear diary\n".repeat(2000)));
  await expect(page.getByRole("heading", headline)).toContainText(/not|no /i);
  await looksRight(page);
  await page.goto("/inspect");
  await choose(page, given("empty.db", ""));
  await expect(page.getByRole("heading", headline)).toContainText(/empty/i);
  await looksRight(page);
});

for (const [path, sentence, shown] of [
  ["raft/divergent/longer-older-term/raft/raft.db", "a server's Raft log", "127.0.0.1:25812"],
  ["raft/peers/accepted/three-servers.json", "A server takes this peers.json", "node2"],
  ["etcd/3.6.14-dead.wal", "entries 1 to 103", "Committed for certain"],
  ["etcd/3.6.14-dead.snap", "index 78 of term 2", "m1"],
] as const) {
  test(`${path} is a kind of its own`, async ({ page }) => {
    await page.goto("/inspect");
    await choose(page, await testdata(path));
    await expect(page.getByRole("heading", headline)).toContainText(sentence);
    await expect(page.getByRole("main")).toContainText(shown);
    await looksRight(page);
  });
}

// The list of stored files and `snapshot check` say the same of them: server/tests/it/files/known_files.rs.
for (const [path, sentence, shown, found] of [
  ["cases/02-weekly.db", "gzip", "This is a gzip file", "end before the packed file does"],
  ["cases/06-host-b-1699876800.part", "cut off while it was saved", "missing from the end", ".part"],
  ["cases/07-textmode.db", "LF became CRLF", "its pages are not where they belong", "transferred as text"],
  ["cases/10-key-lost.db", "all keys are lost", "1 of 18 pages cannot be read", "a lost write"],
  ["cases/11-auth-unreadable.db", "whether authentication is on is unknown", "1 of 5 pages", "elements do not fit"],
  ["cases/12-forged-report.db", "the checksum does not match", "the SHA-256 trailer does not match", "last 32 bytes"],
  ["cases/15-compacted-ahead.db", "Snapshot OK", /A restored cluster starts at\s*5\s000/, "the SHA-256 trailer matches"],
  ["damaged/padded.db", "Snapshot OK with 1 warning", "480 bytes behind the snapshot", "480 bytes"],
  ["damaged/freelist-zeroed.db", "Snapshot OK with 1 warning", "each reached once", "no data is lost"],
  ["damaged/free-tail.db", "Snapshot OK with 1 warning", "8 free ones not in the file", "nothing is lost"],
] as const) {
  test(`${path} is told as it is`, async ({ page }) => {
    await page.goto("/inspect");
    await choose(page, await testdata(path));
    await expect(page.getByRole("heading", headline)).toContainText(sentence);
    await expect(page.getByRole("main")).toContainText(shown);
    // Of a file that is only recognised there is nothing else to show.
    const tab = page.getByRole("navigation", { name: "Parts of this file" }).getByRole("link", { name: /Findings/ });
    if ((await tab.count()) > 0) {
      await tab.click();
    }
    await expect(page.getByRole("main")).toContainText(found);
  });
}

test("what is packed is read through, and what is in it is judged", async ({ page }) => {
  const good = await fixture("3.6.14-mixed");
  await page.goto("/inspect");
  await choose(page, given("3.6.14-mixed.db.gz", gzipSync(good.buffer)));
  await expect(page.getByRole("heading", headline)).toContainText("Snapshot OK");
  await expect(page.getByRole("main")).toContainText("unpacked from gzip");
  await looksRight(page);
  await page.goto("/inspect");
  await choose(page, await testdata("cases/01-on-demand-node-a-1709887802"));
  await expect(page.getByRole("heading", headline)).toContainText("Snapshot OK");
  await page.goto("/inspect");
  await choose(page, given("bomb.gz", gzipSync(Buffer.alloc(400 << 20))));
  await expect(page.getByRole("heading", headline)).toContainText("not read through");
  await looksRight(page);
});

test("a Raft snapshot is judged by the state that is opened with it", async ({ page }) => {
  const folder = "raft/ghost/raft/snapshots/3-132-1795244539948";
  const [meta, state] = [await testdata(`${folder}/meta.json`), await testdata(`${folder}/state.bin`)];
  const damaged = { ...flipped(state, 5_000), name: "state.bin" };
  for (const [beside, sentence] of [
    [state, "the CRC-64 of state.bin agrees"],
    [damaged, "the CRC-64 of state.bin differs"],
  ] as const) {
    await page.goto("/inspect");
    await choose(page, beside, meta);
    await page.getByRole("row").filter({ hasText: "meta.json" }).getByRole("link").first().click();
    await expect(page.getByRole("main")).toContainText(sentence);
    await looksRight(page);
  }
  await page.goto("/inspect");
  await choose(page, meta);
  await expect(page.getByRole("main")).toContainText("open both at once");
});

test("several files are ranked, and the address keeps the choice", async ({ page }) => {
  await page.goto("/inspect");
  const good = await fixture("3.6.14-mixed");
  await choose(page, flipped(good, 30_000), good);
  await expect(page.getByRole("heading", { name: "All files, best first" })).toBeVisible();
  const rows = page.getByRole("table").first().getByRole("row");
  await expect(rows.nth(1)).toContainText("Cluster of");
  await expect(rows.nth(2)).toContainText("3.6.14-mixed.db");
  await expect(rows.nth(2)).toContainText("verified");
  await expect(rows.nth(3)).toContainText("damaged");
  // The headline says which file it speaks of.
  await expect(page.getByRole("heading", headline)).toContainText("flipped-3.6.14-mixed.db: Do not restore");
  await rows.nth(2).getByRole("link").click();
  await expect(page).toHaveURL(/file=2/);
  await expect(page.getByRole("heading", headline)).toContainText(/^3\.6\.14-mixed\.db: Snapshot OK/);
  await looksRight(page);
  // One is taken out; the other is alone, and the address does not name what is gone.
  await page.getByRole("button", { name: "Remove 3.6.14-mixed.db" }).click();
  await expect(page.getByRole("table").filter({ hasText: "Reason" })).toHaveCount(0);
  await expect(page.getByRole("heading", headline)).toContainText(/^Do not restore/);
  await expect(page).toHaveURL(/\/inspect$/);
});

test("of two files of one revision whose values differ, neither is called best", async ({ page }) => {
  const good = await fixture("3.6.14-mixed");
  await page.goto("/inspect");
  await choose(page, good, resealed(good, "second 198", "second 298"));
  await expect(page.getByRole("heading", { name: "All files, best first" })).toBeVisible();
  const rows = page.getByRole("table").first().getByRole("row");
  for (const row of [2, 3]) {
    await expect(rows.nth(row)).toContainText("they disagree, so neither is best");
    await expect(rows.nth(row)).not.toContainText("Best:");
  }
});

test("files of different clusters are not ranked against each other, those of one are on its axis", async ({ page }) => {
  await page.goto("/inspect");
  await choose(page, await fixture("3.6.14-mixed"), await fixture("3.5.33-three"), await fixture("3.7.1-auth"));
  await expect(page.getByRole("heading", { name: "These 3 files are of different clusters: not ranked against each other" })).toBeVisible();
  await expect(page.getByText("behind the")).toHaveCount(0);
  await looksRight(page);
  // Two files of one member, taken at different times: one cluster, one axis.
  await page.goto("/inspect");
  await choose(page, await fixture("3.6.14-mixed"), await fixture("3.6.14-defrag"));
  await expect(page.getByRole("heading", { name: "All files, best first" })).toBeVisible();
  const axis = page.getByRole("list", { name: /Revisions/ });
  await expect(axis.getByRole("listitem")).toHaveCount(2);
  await expect(axis).toContainText("newest revision");
  await expect(axis).toContainText(/\d revisions behind the newest/);
  await looksRight(page);
});

test("good, doubtful and bad files cannot look alike", async ({ page }) => {
  const good = await fixture("3.6.14-defrag");
  const looks: string[] = [];
  for (const [file, words] of [
    [good, "Snapshot OK: checksum, structure and content verified."],
    [await fixture("3.6.14-live-copy"), "Structure OK, but no checksum (raw member/snap/db copy)."],
    [flipped(good, good.buffer.length - 1), "Do not restore this file: the checksum does not match: the file changed after it was saved."],
  ] as const) {
    await page.goto("/inspect");
    await choose(page, file);
    const heading = page.getByRole("heading", headline);
    await expect(heading).toHaveText(words);
    const { mark, look } = await page.locator(".page-header.verdict").evaluate((band) => {
      const before = getComputedStyle(band, "::before");
      const own = getComputedStyle(band);
      return { mark: before.width, look: [before.content, before.clipPath, own.backgroundColor].join(" ") };
    });
    expect(Number.parseFloat(mark), "the mark's width").toBeGreaterThanOrEqual(32);
    looks.push(look);
    await looksRight(page);
  }
  expect(new Set(looks).size).toBe(3);
});

test("a file that is cut off says how much is missing, and where", async ({ page }) => {
  const whole = await fixture("3.6.14-mixed");
  const declared = whole.buffer.length - 32;
  await page.goto("/inspect");
  await choose(page, cut(whole, declared / 2));
  await expect(page.getByRole("heading", headline)).toHaveText(`The file is cut off: ${declared / 2048} of ${declared / 1024} KiB are there.`);
  const legend = page.locator(".page-map-legend");
  const missing = declared / 4096 - Math.floor(declared / 8192);
  await expect(legend).toContainText(`${missing} missing pages`);
  await expect(legend).not.toContainText("free page");
  await expect(page.locator(".page-map-missing")).toBeVisible();
  const map = page.getByRole("slider", { name: /page by page/ });
  await map.focus();
  await page.keyboard.press("End");
  await expect(map).toHaveAttribute("aria-valuetext", /missing page/);
  await looksRight(page);
});

test("a click on a tab keeps the place on the page, and a reload keeps the tab's address", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 500 });
  await page.goto("/inspect");
  await choose(page, await fixture("3.6.14-mixed"));
  const tabs = page.getByRole("navigation", { name: "Parts of this file" });
  await tabs.scrollIntoViewIfNeeded();
  await page.evaluate(() => window.scrollTo(0, 300));
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(300);
  await tabs.getByRole("link", { name: /Members/ }).click();
  await expect(page).toHaveURL(/tab=members/);
  expect(await page.evaluate(() => window.scrollY)).toBe(300);
  // The file does not survive a reload: the page says so, and opens it where it was.
  await page.reload();
  await expect(page.getByRole("heading", headline)).toHaveText("Open the file again: it did not survive the reload.");
  await looksRight(page);
  await choose(page, await fixture("3.6.14-mixed"));
  await expect(page.getByRole("heading", headline)).toContainText("Snapshot OK");
  await expect(page.getByRole("link", { name: /Members/ })).toHaveAttribute("aria-current", "page");
  await page.getByRole("button", { name: "Close this file" }).click();
  await expect(page.getByRole("heading", headline)).toContainText("Drop a file");
  await expect(page).not.toHaveURL(/file=/);
});

test("a click on Inspect changes the address, and Back and reload do what they say", async ({ page, administrator }) => {
  await page.goto("/login");
  const menu = page.getByRole("navigation", { name: "Pages" });
  await menu.getByRole("link", { name: "Inspect" }).click();
  await expect(page.getByRole("heading", headline)).toContainText("Drop a file");
  await expect(page).toHaveURL(/\/inspect$/);
  await page.goBack();
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByLabel("Password")).toBeVisible();
  await signIn(page, administrator);
  await page.goto("/");
  for (const from of ["Jobs", "Plans", "Overview"]) {
    await menu.getByRole("link", { name: from }).click();
    const address = from === "Overview" ? /:\d+\/$/ : new RegExp(`/${from.toLowerCase()}$`);
    await expect(page).toHaveURL(address);
    await menu.getByRole("link", { name: "Inspect" }).click();
    await expect(page.getByRole("heading", headline)).toContainText("Drop a file");
    await expect(page).toHaveURL(/\/inspect$/);
    await page.reload();
    await expect(page.getByRole("heading", headline)).toContainText("Drop a file");
    await page.goBack();
    await expect(page).toHaveURL(address);
    await page.goForward();
    await expect(page).toHaveURL(/\/inspect$/);
  }
  // From Inspect to a page of the console, whose routes are drawn anew then.
  await menu.getByRole("link", { name: "Jobs" }).click();
  await expect(page).toHaveURL(/\/jobs$/);
  await menu.getByRole("link", { name: "Ledger" }).click();
  await expect(page).toHaveURL(/\/ledger$/);
});

test("a snapshot of Kubernetes says what is in it: kinds, namespaces, prefixes, and no value", async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), "requorum-e2e-keys-"));
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  const etcd = await Etcd.boot([{ name: "m1", peerUrl, dataDir: join(folder, "m1") }], "e2e-keys");
  let snapshot: Buffer;
  try {
    for (let i = 0; i < 12; i++) await etcd.put(`/registry/pods/default/web-${i}`, "p".repeat(500));
    for (let i = 0; i < 3; i++) await etcd.put("/registry/pods/kube-system/dns", "d".repeat(100));
    for (const name of ["default", "kube-system", "web"]) await etcd.put(`/registry/namespaces/${name}`, "n");
    await etcd.put("/registry/secrets/default/token", "TOP-SECRET");
    await etcd.put("/registry/configmaps/kube-system/config", "c");
    await etcd.put("/registry/services/specs/default/kubernetes", "s");
    await etcd.put("/registry/cert-manager.io/certificates/web/tls", "t".repeat(50));
    await etcd.put("/registry/minions/node-1", "m");
    await etcd.put("/other/thing", "o");
    await etcd.put("plain", "x");
    snapshot = await etcd.snapshot();
  } finally {
    await etcd.stop();
    await rm(folder, { recursive: true, force: true });
  }
  await page.goto("/inspect");
  await choose(page, given("prod.db", snapshot));
  await expect(page.getByRole("heading", headline)).toContainText("Snapshot OK");
  await page.getByRole("navigation", { name: "Parts of this file" }).getByRole("link", { name: /Keys/ }).click();
  await expect(page).toHaveURL(/tab=keys/);
  const main = page.getByRole("main");
  await expect(main).toContainText("Looks like Kubernetes: 7 resource kinds, 3 namespaces, 21 objects");
  const row = (name: string) => main.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });
  await expect(row("pods")).toContainText("13");
  await expect(row("certificates.cert-manager.io")).toContainText("1");
  await expect(row("nodes")).toContainText("1");
  // 12 pods and the services, the secret; live keys, however often each was written.
  await expect(row("default")).toContainText("14");
  await page.getByRole("button", { name: "Show all 18" }).click();
  const dns = row("/registry/pods/kube-system/");
  await expect(dns.getByRole("cell").nth(0)).toHaveText("1");
  await expect(dns.getByRole("cell").last()).toHaveText("3");
  await expect(row("/registry/").getByRole("cell").nth(0)).toHaveText("21");
  await expect(row("(no prefix)").getByRole("cell").nth(0)).toHaveText("1");
  await expect(main).not.toContainText("TOP-SECRET");
  await looksRight(page);
  await page.getByLabel("Find a prefix").fill("kube-sys");
  await expect(row("/registry/configmaps/kube-system/")).toBeVisible();
  await expect(row("/other/")).toBeHidden();
  await looksRight(page);
});

test("the first load does not grow unseen", async ({ browser, server }) => {
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  let bytes = 0;
  network.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await network.send("Network.enable");
  await page.goto("/inspect");
  await expect(page.getByRole("heading", headline)).toContainText("Drop a file");
  await page.waitForLoadState("networkidle");
  await context.close();
  expect(bytes, "something was loaded").toBeGreaterThan(100 * 1024);
  expect(bytes / 1024).toBeLessThanOrEqual(300);
});

test("every act can be done by keyboard", async ({ page }) => {
  await page.goto("/inspect");
  await expect(page.getByRole("heading", headline)).toBeVisible();
  let pressed = false;
  for (let step = 0; step < 40 && !pressed; step++) {
    await page.keyboard.press("Tab");
    const focused = page.locator(":focus");
    if ((await focused.count()) === 0) continue;
    const { outline, name } = await focused.evaluate((element) => ({
      outline: getComputedStyle(element).outlineStyle,
      name: element.textContent ?? "",
    }));
    expect(outline, `${name}: focus cannot be seen`).not.toBe("none");
    if (name.includes("Open a sound sample")) {
      await page.keyboard.press("Enter");
      pressed = true;
    }
  }
  expect(pressed, "the sample is reached by Tab").toBe(true);
  await expect(page.getByRole("heading", headline)).toContainText("Snapshot OK");
});
