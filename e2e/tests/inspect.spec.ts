// A stranger drops files on /inspect: the truth about them, and nothing leaves the browser.
import { gzipSync } from "node:zlib";
import { expect, test } from "../support/console.ts";
import { choose, cut, fixture, flipped, given, saidOf, testdata } from "../support/files.ts";
import { looksRight } from "../support/look.ts";

const headline = { level: 1 } as const;

test("the empty page says what to do, and the sample opens", async ({ page }) => {
  await page.goto("/inspect");
  await expect(page.getByRole("heading", headline)).toContainText("Drop a file");
  await expect(page.getByText("Nothing leaves this browser")).toBeVisible();
  await looksRight(page);
  await page.getByRole("button", { name: "Open a sample snapshot" }).click();
  await expect(page.getByRole("heading", headline)).toContainText("whole");
  await looksRight(page);
});

for (const name of ["3.4.23-mixed", "3.5.33-lease", "3.6.14-three", "3.7.1-auth", "3.5.33-empty"]) {
  test(`${name} gives what the real tools said`, async ({ page }) => {
    const said = await saidOf(name);
    await page.goto("/inspect");
    await choose(page, await fixture(name));
    await expect(page.getByRole("heading", headline)).toContainText("whole");
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
  await expect(page.getByRole("heading", headline)).toContainText("whole");
  const elsewhere = sent.filter((line) => !line.startsWith(`GET ${server.url}/assets/`) && !line.startsWith("GET blob:"));
  expect(elsewhere).toEqual([]);
});

test("a flipped bit is found and placed", async ({ page }) => {
  await page.goto("/inspect");
  const good = await fixture("3.6.14-mixed");
  await choose(page, flipped(good, 5 * 4096 + 600));
  await expect(page.getByRole("heading", headline)).not.toContainText("This snapshot is whole");
  await expect(page.getByRole("main")).toContainText(/SHA-256|trailer/);
  await looksRight(page);
});

test("a truncated file is never called whole", async ({ page }) => {
  const good = await fixture("3.6.14-mixed");
  for (const length of [1, 17, 4095, 4096, 8192, 40_000, good.buffer.length - 32, good.buffer.length - 1]) {
    await page.goto("/inspect");
    await choose(page, cut(good, length));
    await expect(page.getByRole("heading", headline), `cut to ${length}`).not.toContainText(/Drop a file|Reading/);
    await expect(page.getByRole("heading", headline), `cut to ${length}`).not.toContainText("is whole");
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

test("what is packed is read through, and what is in it is judged", async ({ page }) => {
  const good = await fixture("3.6.14-mixed");
  await page.goto("/inspect");
  await choose(page, given("3.6.14-mixed.db.gz", gzipSync(good.buffer)));
  await expect(page.getByRole("heading", headline)).toContainText("This snapshot is whole");
  await expect(page.getByRole("main")).toContainText("unpacked from gzip");
  await looksRight(page);
  await page.goto("/inspect");
  await choose(page, await testdata("cases/01-on-demand-node-a-1709887802"));
  await expect(page.getByRole("heading", headline)).toContainText("This snapshot is whole");
  await page.goto("/inspect");
  await choose(page, given("bomb.gz", gzipSync(Buffer.alloc(400 << 20))));
  await expect(page.getByRole("heading", headline)).toContainText("not read through");
  await looksRight(page);
});

test("several files are ranked, and the address keeps the choice", async ({ page }) => {
  await page.goto("/inspect");
  const good = await fixture("3.6.14-mixed");
  await choose(page, flipped(good, 30_000), good);
  const rows = page.getByRole("table").filter({ hasText: "best first" }).or(page.getByRole("table")).first().getByRole("row");
  await expect(rows.nth(1)).toContainText("3.6.14-mixed.db");
  await expect(rows.nth(1)).toContainText("whole");
  await expect(rows.nth(2)).toContainText("damaged");
  await rows.nth(1).getByRole("link").click();
  await expect(page).toHaveURL(/file=2/);
  await expect(page.getByRole("heading", headline)).toContainText("whole");
  await looksRight(page);
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
    if (name.includes("Open a sample snapshot")) {
      await page.keyboard.press("Enter");
      pressed = true;
    }
  }
  expect(pressed, "the sample is reached by Tab").toBe(true);
  await expect(page.getByRole("heading", headline)).toContainText("whole");
});
