// Uploads: continued after a reload, refused where they must be, two of the same file.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, signIn, test } from "../support/console.ts";
import { choose, fixture, flipped, given } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import { isStored, upload } from "../support/wizard.ts";

test.beforeEach(async ({ page, administrator }) => {
  await signIn(page, administrator);
});

test("an upload goes on after the page was reloaded", async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), "requorum-e2e-upload-"));
  try {
    // 24 MB at 600 kB/s: the reload falls into the middle.
    const file = join(folder, "large.db");
    await writeFile(file, randomBytes(24_000_000));
    await page.goto("/files");
    const network = await page.context().newCDPSession(page);
    await network.send("Network.enable");
    const throttle = (uploadThroughput: number) =>
      network.send("Network.emulateNetworkConditions", {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput,
      });
    const pick = async (path: string) => {
      const chooser = page.waitForEvent("filechooser");
      await page.getByRole("button", { name: /click to browse/ }).click();
      await (await chooser).setFiles(path);
    };
    const ids = async () => {
      const { uploads } = await (await page.request.get("/api/uploads")).json();
      return uploads.map((upload: { id: string }) => upload.id);
    };
    await throttle(600_000);
    await page.getByLabel("Cluster for these uploads").fill("prod-etcd");
    await pick(file);
    const sent = page.getByRole("progressbar", { name: "Uploading large.db" });
    await expect
      .poll(async () => Number(await sent.getAttribute("value")), { timeout: 30_000 })
      .toBeGreaterThan(0);
    const left = page.getByRole("listitem").filter({ hasText: "large.db" });
    await expect(left.getByText(/^uploading \d+.%$/)).toBeVisible();
    await looksRight(page);
    const before = await ids();
    expect(before).toHaveLength(1);

    // The browser asks before it leaves what is being sent.
    const asked = new Promise<string>((resolve) =>
      page.once("dialog", async (dialog) => {
        await dialog.accept();
        resolve(dialog.type());
      }),
    );
    await page.reload();
    expect(await asked).toBe("beforeunload");
    await throttle(-1);
    const goOn = left.getByRole("button", { name: /^Continue upload: \d+ %$/ });
    await expect(goOn).toBeVisible();
    await expect(goOn).not.toHaveText("Continue upload: 0 %");
    await expect(page.getByLabel("Cluster for these uploads")).toHaveValue("prod-etcd");
    await looksRight(page);

    // Another file of the same name and size does not go on with it.
    const other = join(folder, "other", "large.db");
    await mkdir(join(folder, "other"));
    await writeFile(other, randomBytes(24_000_000));
    await utimes(other, 1, 1);
    const again = page.waitForEvent("filechooser");
    await goOn.click();
    await (await again).setFiles(other);
    await expect(left.getByRole("alert")).toContainText("was changed since the upload began");

    // The same file dropped again does, and no second upload begins.
    await pick(file);
    await expect(left).toHaveCount(1);
    // It is no etcd database: it is refused, and kept only by choice.
    const row = page.getByRole("row").filter({ hasText: "large.db" });
    await expect(left.getByText("no recovery uses it", { exact: true })).toBeVisible({ timeout: 30_000 });
    await expect(left.getByText(/It was not stored\./)).toBeVisible();
    expect(await ids()).toEqual(before);
    await expect(row).toHaveCount(0);
    await looksRight(page);
    await left.getByRole("button", { name: "Keep as evidence" }).click();
    await expect(row).toBeVisible();
    await expect(row).not.toContainText("verified");
    await expect(row).toContainText("prod-etcd");
    await expect(left.getByRole("link", { name: "Plan a restore" })).toHaveCount(0);
    await expect(row.getByRole("link", { name: "Restore" })).toHaveCount(0);
    await row.getByRole("link", { name: "large.db" }).click();
    await expect(page.getByRole("heading", { level: 1 })).not.toContainText("Snapshot OK");
    await expect(page.getByRole("link", { name: "Plan a restore" })).toHaveCount(0);
    await looksRight(page);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a wrong file is removed, and the ledger says who did it", async ({ page }) => {
  const good = await fixture("3.6.14-auth");
  const bad = flipped(good, 9_000);
  await page.goto("/files");
  await choose(page, good, bad);
  const uploads = page.getByRole("list", { name: "Uploads" });
  const of = (name: string) => uploads.getByRole("listitem").filter({ has: page.getByText(name, { exact: true }) });
  await expect(of(good.name).getByText("verified")).toBeVisible();
  await expect(of(bad.name).getByText("damaged")).toBeVisible();
  // What fits the verdict, and nothing else.
  await expect(of(good.name).getByRole("link", { name: "Plan a restore" })).toBeVisible();
  await expect(of(bad.name).getByRole("link", { name: "Plan a restore" })).toHaveCount(0);
  await expect(of(bad.name).getByRole("link", { name: "View findings" })).toBeVisible();
  await looksRight(page);

  const row = (name: string) =>
    page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
  await row(bad.name).getByRole("button", { name: "Remove" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("No plan uses it.")).toBeVisible();
  await looksRight(page);
  await dialog.getByRole("button", { name: "Remove" }).click();
  await expect(row(bad.name)).toHaveCount(0);
  // What could be restored from is removed by its name alone.
  await row(good.name).getByRole("button", { name: "Remove" }).click();
  await expect(dialog.getByRole("button", { name: "Remove" })).toBeDisabled();
  await dialog.getByLabel(/^Type/).fill(good.name);
  await dialog.getByRole("button", { name: "Remove" }).click();
  await expect(row(good.name)).toHaveCount(0);

  await page.getByRole("combobox", { name: "State" }).selectOption("removed");
  await expect(row(bad.name)).toBeVisible();
  await expect(row(bad.name).getByRole("button", { name: "Remove" })).toHaveCount(0);
  await row(good.name).getByRole("link", { name: good.name }).click();
  await expect(page.getByText(/^Removed .*by ada/)).toBeVisible();
  await expect(page.getByRole("link", { name: /Plan a restore|Download/ })).toHaveCount(0);
  await looksRight(page);
  await page.goto("/ledger");
  await expect(page.getByRole("row").filter({ hasText: "Remove a file" })).toHaveCount(2);

  // The same file brought again is kept again.
  await upload(page, good);
  await page.goto("/files");
  await expect(row(good.name).getByRole("button", { name: "Remove" })).toBeVisible();
  await page.getByText("Storage use").click();
  await expect(page.getByRole("list").filter({ hasText: "Free" })).toContainText("Files");
  await looksRight(page);
});

test("a file says how far it is behind the newest of its cluster, and what the ledger has of it", async ({ page }) => {
  const [older, newer] = [await fixture("3.5.33-bumped"), await fixture("3.5.33-defrag")];
  await page.goto("/files");
  for (const file of [older, newer]) {
    await page.getByLabel("Cluster for these uploads").fill("ages");
    await choose(page, file);
    await isStored(page, file.name);
  }
  // The rows do not wait for what they are compared with, which is asked for by kind.
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  await page.route("**/*/ListFiles", async (route) => {
    if (route.request().postDataBuffer()?.includes("etcd-db")) await held;
    await route.continue();
  });
  await page.goto("/files?cluster=ages");
  const row = (name: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
  await expect(row(older.name)).toBeVisible();
  await expect(row(newer.name)).not.toContainText("newest");
  answer();
  await expect(row(newer.name)).toContainText("newest");
  await expect(row(older.name)).toContainText("\u22121 min");
  await looksRight(page);

  await row(older.name).getByRole("link", { name: older.name }).click();
  await expect(page.getByText(/^Uploaded .* before 3\.5\.33-defrag\.db, the newest file of ages; .*revision/)).toBeVisible();
  await page.getByText("Ledger entries of this file").click();
  const entry = page.getByRole("listitem").filter({ hasText: "Upload a file by ada" });
  await expect(entry).toHaveCount(1);
  await expect(entry).toContainText("done");
  await looksRight(page);
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("No plan uses it.")).toBeVisible();
  await dialog.getByLabel(/^Type/).fill(older.name);
  await dialog.getByRole("button", { name: "Remove" }).click();
  await expect(page.getByText(/^Removed .*by ada/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Remove", exact: true })).toHaveCount(0);
  await page.reload();
  await page.getByText("Ledger entries of this file").click();
  await expect(page.getByRole("listitem").filter({ hasText: "Remove a file by ada" })).toHaveCount(1);
  await entry.getByRole("link").click();
  await expect(page).toHaveURL(/\/ledger\/\d+$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("ada: upload a file, done.");
});

test("administrators see what was begun and not ended, and discard it", async ({ page, server }) => {
  const headers = { origin: server.url };
  const name = "half-a-file.db";
  const begun = await page.request.post("/api/uploads", { headers, data: { name, length: 4096, cluster: "", evidence: false } });
  expect(begun.ok(), await begun.text()).toBe(true);
  await page.goto("/settings/uploads");
  const row = page.getByRole("row").filter({ hasText: name });
  await expect(row).toContainText("ada");
  await looksRight(page);
  await row.getByRole("button", { name: `Discard the upload of ${name}` }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText(/ada has to upload the file again/)).toBeVisible();
  await looksRight(page);
  await dialog.getByRole("button", { name: "Discard upload" }).click();
  await expect(row).toHaveCount(0);
});

test("what was damaged on its way is kept as what it is", async ({ page }) => {
  const file = flipped(await fixture("3.5.33-three"), 9_000);
  await upload(page, file);
  const row = page.getByRole("row").filter({ hasText: file.name });
  await expect(row).toContainText("damaged");
  await row.getByRole("link", { name: file.name }).click();
  await expect(page.getByRole("heading", { level: 1 })).not.toContainText("Snapshot OK");
  await looksRight(page);
});

test("a packed snapshot is stored unpacked, and both hashes are told apart", async ({ page }) => {
  const good = await fixture("3.7.1-lease");
  const packed = given("weekly.db.gz", gzipSync(good.buffer));
  const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  await upload(page, packed);
  const uploads = page.getByRole("list", { name: "Uploads" });
  const sent = uploads.getByRole("listitem").filter({ hasText: "weekly.db.gz" });
  await expect(sent).toContainText("Unpacked from gzip: its id is the SHA-256 of the unpacked file.");
  await looksRight(page);
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "weekly.db", exact: true }) });
  await expect(row).toContainText("verified");
  await sent.getByRole("link", { name: "Open", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/files/${sha256(good.buffer)}`));
  const main = page.getByRole("main");
  await expect(main).toContainText("weekly.db.gz (gzip,");
  await expect(main).toContainText("SHA-256 of the packed file");
  await expect(main).toContainText(sha256(packed.buffer));
  await looksRight(page);
  await page.getByRole("link", { name: "Plan a restore" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Restore weekly.db from revision");
});

test("a packed file with anything else in it is refused for what it is", async ({ page }) => {
  await page.goto("/files");
  await choose(page, given("notes.txt.gz", gzipSync(Buffer.from("not a snapshot\n"))));
  const uploads = page.getByRole("list", { name: "Uploads" });
  const sent = uploads.getByRole("listitem").filter({ hasText: "notes.txt.gz" });
  await expect(sent).toContainText("Unpacked from gzip: This is");
  await expect(sent).toContainText("It was not stored.");
  await looksRight(page);
  await sent.getByRole("button", { name: "Keep as evidence" }).click();
  const row = page.getByRole("row").filter({ hasText: "notes.txt.gz" });
  await expect(row).toBeVisible();
});

test("the same file twice is one snapshot", async ({ page }) => {
  const file = await fixture("3.6.14-lease");
  await upload(page, file);
  await upload(page, file);
  await expect(page.getByRole("row").filter({ hasText: "3.6.14-lease.db" })).toHaveCount(1);
});

test("an empty file is refused before anything is sent", async ({ page }) => {
  await page.goto("/files");
  await choose(page, given("nothing.db", ""));
  await expect(page.getByRole("alert")).toContainText(/nothing\.db|empty/i);
  await looksRight(page);
});
