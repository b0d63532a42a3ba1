// A recovery's record: taken from its job, verified by the command line and on a page without login, on paper.
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, signIn, test } from "../support/console.ts";
import { choose, fixture, given } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import { built } from "../support/server.ts";
import { checked, members, openWizard, sealApproveRun, upload } from "../support/wizard.ts";

test.describe.configure({ timeout: 240_000 });

const headline = { level: 1 } as const;

function requorum(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(built("REQUORUM_BIN", "the requorum binary"), args, { encoding: "utf8" });
  return { status, said: stdout + stderr };
}

test("a dossier is taken, verified anywhere, read and printed, and no byte of it can be another", async ({
  page,
  browser,
  administrator,
  server,
}) => {
  const folder = await mkdtemp(join(tmpdir(), "requorum-e2e-dossier-"));
  try {
    await signIn(page, administrator);
    await upload(page, await fixture("3.5.33-three"));
    await openWizard(page, "3.5.33-three.db");
    await members(page, ["m1=http://10.0.0.1:2380", "m2=http://10.0.0.2:2380"]);
    await page.getByLabel(/Initial-cluster token/).fill("e2e-dossier");
    await page.getByRole("radiogroup", { name: "Target etcd version" }).getByLabel(/3\.5/).check();
    await page.getByLabel("A download per member").check();
    await checked(page);
    await sealApproveRun(page, async () => {});

    // What is left, and the record, are where the job ends.
    await expect(page.getByText(/^Restored members are on the server/)).toBeVisible();
    const link = page.getByRole("link", { name: "Download dossier" });
    await expect(link).toBeVisible();
    await looksRight(page);
    const download = page.waitForEvent("download");
    await link.click();
    const taken = await download;
    expect(taken.suggestedFilename()).toMatch(/^dossier-[0-9a-z]+\.zip$/);
    const bytes = await readFile(await taken.path());
    const file = join(folder, "any name");
    await writeFile(file, bytes);

    // The command line, with a key that did not come from the archive.
    const key = await (await page.request.get("/ledger/key")).text();
    const verified = requorum("dossier", "verify", file, "--key", key.trim());
    expect(verified.said).toContain("Dossier valid: 14 of 14 checks pass.");
    expect(verified.status).toBe(0);
    const exported = join(folder, "exported.zip");
    const job = page.url().split("/").pop() ?? "";
    expect(requorum("dossier", "export", "--job", job, "--data-dir", server.dataDir, "-o", exported).status).toBe(0);
    expect(requorum("dossier", "verify", exported).status).toBe(0);

    // Somebody without a login drops it, under a name that says nothing.
    const stranger = await browser.newContext({ baseURL: server.url });
    const their = await stranger.newPage();
    const sent: string[] = [];
    await their.goto("/inspect");
    await their.waitForLoadState("networkidle");
    their.on("request", (request) => sent.push(`${request.method()} ${request.url()}`));
    await choose(their, given("whatever.bin", bytes));
    await expect(their.getByRole("heading", headline)).toContainText(
      "Dossier valid, signing key not yet confirmed: 13 of 14 checks pass, 1 is not made.",
    );
    await expect(their.getByText("Done. A new cluster of 2 members (m1, m2)").first()).toBeVisible();
    for (const title of ["People and approvals", "Timeline", "Steps", "Verification of the result", "Ledger"]) {
      await expect(their.getByRole("heading", { name: title, exact: true })).toBeVisible();
    }
    const keyRow = their.getByRole("row").filter({ hasText: "The signing key is trusted" });
    await expect(keyRow).toContainText("not checked");
    await their.getByLabel("Trusted key").fill(key);
    await expect(keyRow).toContainText("pass");
    await looksRight(their);
    await expect(their.getByRole("heading", headline)).toContainText("Dossier valid: 14 of 14 checks pass.");
    await their.getByLabel("Trusted key").fill(`${key.trim()}x`);
    await expect(keyRow).toContainText("fail");
    await expect(their.getByRole("heading", headline)).toContainText("Do not rely on this dossier");
    // A list of its sections leads through it, and it is far shorter than all its rows.
    await their.getByRole("navigation", { name: "Contents" }).getByRole("link", { name: "Timeline" }).click();
    await expect(their.getByRole("heading", { name: "Timeline", exact: true })).toBeInViewport();
    expect(await their.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(6000);
    const elsewhere = sent.filter((line) => !line.startsWith(`GET ${server.url}/assets/`) && !line.startsWith("GET blob:"));
    expect(elsewhere).toEqual([]);

    // Signed in to the console that made it, the key is compared with the console's own.
    await page.goto("/inspect");
    await choose(page, given("whatever.bin", bytes));
    await expect(page.getByRole("heading", headline)).toContainText("Dossier valid: 14 of 14 checks pass.");
    await expect(page.getByRole("row").filter({ hasText: "The signing key is trusted" })).toContainText("this console's own key");
    await looksRight(page);

    // A byte is another: refused, and the part is named.
    const tampered = Buffer.from(bytes);
    const at = tampered.indexOf("A new cluster of 2 members", tampered.indexOf("plan.json") + 1);
    tampered[at] = (tampered[at] ?? 0) ^ 1;
    await their.goto("/inspect");
    await choose(their, given("whatever.bin", tampered));
    await expect(their.getByRole("heading", headline)).toContainText("Do not rely on this dossier");
    await expect(their.getByRole("main")).toContainText("was changed: its SHA-256 differs");
    await looksRight(their);
    await writeFile(file, tampered);
    expect(requorum("dossier", "verify", file).status).toBe(1);
    await their.goto("/inspect");
    await choose(their, given("cut.zip", bytes.subarray(0, 5000)));
    await expect(their.getByRole("heading", headline)).toContainText("Do not rely on this dossier");
    await looksRight(their);

    // The page in it stands for itself: no script, nothing loaded, and it fits on paper and on a phone.
    expect(spawnSync("python3", ["-m", "zipfile", "-e", exported, join(folder, "out")]).status).toBe(0);
    expect(spawnSync("sha256sum", ["-c", "--quiet", "SHA256SUMS"], { cwd: join(folder, "out") }).status).toBe(0);
    const asked: string[] = [];
    their.on("request", (request) => asked.push(request.url()));
    const address = pathToFileURL(join(folder, "out", "dossier.html")).href;
    await their.goto(address);
    await expect(their.getByRole("heading", headline)).toContainText("Done.");
    expect(asked).toEqual([address]);
    await looksRight(their);
    const pdf = await their.pdf({ preferCSSPageSize: true });
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    expect(pdf.toString("latin1")).toMatch(/MediaBox ?\[0 0 59[45]\.?\d* 84[12]\.?\d*\]/);
    await stranger.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
