// Uploads: continued after a reload, refused where they must be, two of the same file.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, signIn, test } from "../support/console.ts";
import { choose, fixture, flipped, given } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import { upload } from "../support/wizard.ts";

test.beforeEach(async ({ page, administrator }) => {
  await signIn(page, administrator);
});

test("an upload goes on after the page was reloaded", async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), "requorum-e2e-upload-"));
  try {
    // 24 MB at 4 MB/s: the reload falls into the middle.
    const file = join(folder, "large.db");
    await writeFile(file, randomBytes(24_000_000));
    await page.goto("/files");
    const network = await page.context().newCDPSession(page);
    await network.send("Network.enable");
    await network.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: 4_000_000,
    });
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: /press to choose/ }).click();
    await (await chooser).setFiles(file);
    const sent = page.getByRole("progressbar", { name: "Uploading large.db" });
    await expect
      .poll(async () => Number(await sent.getAttribute("value")), { timeout: 30_000 })
      .toBeGreaterThan(0);
    await looksRight(page);

    await page.reload();
    await network.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: -1,
    });
    const left = page.getByRole("listitem").filter({ hasText: "large.db" });
    const goOn = left.getByRole("button", { name: /^Continue upload: \d+ %$/ });
    await expect(goOn).toBeVisible();
    await expect(goOn).not.toHaveText("Continue upload: 0 %");
    await looksRight(page);
    const again = page.waitForEvent("filechooser");
    await goOn.click();
    await (await again).setFiles(file);
    // It is no etcd database: it is refused, and kept only by choice.
    const row = page.getByRole("row").filter({ hasText: "large.db" });
    await expect(left.getByText(/It was not stored\./)).toBeVisible({ timeout: 30_000 });
    await expect(row).toHaveCount(0);
    await looksRight(page);
    await left.getByRole("button", { name: "Keep as evidence" }).click();
    await expect(row).toBeVisible();
    await expect(row).not.toContainText("verified");
    await expect(left.getByRole("link", { name: "Plan a restore" })).toHaveCount(0);
    await row.getByRole("link", { name: "large.db" }).click();
    await expect(page.getByRole("heading", { level: 1 })).not.toContainText("is whole");
    await expect(page.getByRole("link", { name: "Plan a restore" })).toHaveCount(0);
    await looksRight(page);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("what was damaged on its way is kept as what it is", async ({ page }) => {
  const file = flipped(await fixture("3.5.33-three"), 9_000);
  await upload(page, file);
  const row = page.getByRole("row").filter({ hasText: file.name });
  await expect(row).toContainText("damaged");
  await row.getByRole("link", { name: file.name }).click();
  await expect(page.getByRole("heading", { level: 1 })).not.toContainText("is whole");
  await looksRight(page);
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
