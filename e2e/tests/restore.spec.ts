// The whole path: a real snapshot goes in, three members come out, and real etcd serves them.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, signIn, test } from "../support/console.ts";
import { Etcd, freePort } from "../support/etcd.ts";
import { fixture, saidOf } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import { checked, members, openWizard, sealApproveRun, upload, verification } from "../support/wizard.ts";

test.describe.configure({ timeout: 240_000 });

test.beforeEach(async ({ page, administrator }) => {
  await signIn(page, administrator);
});

/** The folder of this name, wherever the server put it below its data. */
function folder(below: string, name: string): string {
  const found = readdirSync(below, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isDirectory() && entry.name === name,
  );
  if (!found) throw new Error(`no folder ${name} below ${below}`);
  return join(found.parentPath, found.name);
}

test("three members restored to a folder boot and serve every key", async ({ page, server }) => {
  const said = await saidOf("3.5.33-mixed");
  await upload(page, await fixture("3.5.33-mixed"));
  await looksRight(page);
  await openWizard(page, "3.5.33-mixed.db");
  await looksRight(page);

  const names = ["m1", "m2", "m3"];
  const urls: string[] = [];
  for (const _ of names) urls.push(`http://127.0.0.1:${await freePort()}`);
  await members(page, names.map((name, at) => `${name}=${urls[at]}`));
  await page.getByLabel(/Initial-cluster token/).fill("e2e-three");
  await page.getByRole("radiogroup", { name: "Version of etcd" }).getByLabel(/3\.5/).check();
  // Not raised, so that the members' HashKV can be held against the snapshot's.
  await page.getByLabel(/^Raise the revision/).uncheck();
  await page.getByLabel("A folder on the server").check();
  await page.getByLabel("Folder, one sub-folder per member").fill("three-members");
  await expect(page.getByText("etcdutl snapshot restore").first()).toBeAttached();
  await checked(page);
  await looksRight(page);
  await sealApproveRun(page, looksRight);
  await expect(page.getByRole("heading", { level: 1 })).toContainText(/complete|done|restored/i);

  const outcomes = await verification(page);
  expect(outcomes.size).toBeGreaterThan(2);
  for (const [what, outcome] of outcomes) expect(outcome, what).toMatch(/pass/);

  const place = folder(server.dataDir, "three-members");
  const etcd = await Etcd.boot(
    names.map((name, at) => ({ name, peerUrl: urls[at] ?? "", dataDir: join(place, name) })),
    "e2e-three",
  );
  try {
    for (const url of etcd.clientUrls) {
      const { count, revision } = await etcd.keys(url);
      expect(count).toBe(said.liveKeys);
      expect(revision).toBe(said.status["etcdutl 3.5.33"].revision);
    }
  } finally {
    await etcd.stop();
  }

  // The address is the state: a colleague who opens it sees the same.
  await page.reload();
  await expect(page.getByText("Over; nothing more will happen.")).toBeVisible();
  expect(await verification(page)).toEqual(outcomes);
  for (const address of ["/", "/files", "/plans", "/jobs", "/settings"]) {
    await page.goto(address);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.waitForLoadState("networkidle");
    await looksRight(page);
  }
});

test("a member is downloaded as a tar that boots", async ({ page }) => {
  const said = await saidOf("3.4.23-three");
  await upload(page, await fixture("3.4.23-three"));
  await openWizard(page, "3.4.23-three.db");
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  await members(page, [`solo=${peerUrl}`]);
  await page.getByLabel(/Initial-cluster token/).fill("e2e-solo");
  await page.getByRole("radiogroup", { name: "Version of etcd" }).getByLabel(/3\.5/).check();
  await page.getByLabel("A download per member").check();
  await page.getByLabel(/^Raise the revision/).check();
  await page.getByLabel("Raise by").fill("5000");
  await checked(page);
  await sealApproveRun(page, looksRight);
  // What a raised revision makes impossible to compare is not called good.
  for (const [what, outcome] of await verification(page)) {
    expect(outcome, what).toMatch(what === "HashKV is the snapshot's" ? /not checked/ : /pass/);
  }
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download solo.tar" }).click();
  const unpacked = await mkdtemp(join(tmpdir(), "requorum-e2e-tar-"));
  try {
    execFileSync("tar", ["-xf", await (await download).path(), "-C", unpacked]);
    const member = folder(unpacked, "member");
    const etcd = await Etcd.boot([{ name: "solo", peerUrl, dataDir: join(member, "..") }], "e2e-solo");
    try {
      const { count, revision } = await etcd.keys(etcd.clientUrls[0] ?? "");
      expect(count).toBe(said.liveKeys);
      expect(revision).toBeGreaterThanOrEqual(said.status["etcdutl 3.5.33"].revision + 5000);
    } finally {
      await etcd.stop();
    }
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
});

test("the report follows what is typed, and nothing that blocks can be sealed", async ({ page }) => {
  await upload(page, await fixture("3.6.14-nospace"));
  await openWizard(page, "3.6.14-nospace.db");
  const seal = page.getByRole("button", { name: "Seal plan" });
  await members(page, ["m1=http://127.0.0.1:2380", "m2=http://127.0.0.1:2480"]);
  await page.getByLabel("Folder, one sub-folder per member").fill("report");
  await checked(page);
  await expect(seal).toBeEnabled();
  // The alarm in the file survives a restore: the report says so before it hurts.
  await expect(page.getByLabel("Report and steps")).toContainText("NOSPACE");

  await page.getByLabel("Name of member 2").fill("m1");
  await expect(seal).toBeDisabled();
  await expect(page.locator("#why-not")).toContainText(/block/);
  await page.getByLabel("Name of member 2").fill("m2");
  await page.getByLabel("Peer URLs of member 2").fill("http://127.0.0.1:2480/path");
  await expect(seal).toBeDisabled();
  await looksRight(page);
  await page.getByLabel("Peer URLs of member 2").fill("http://127.0.0.1:2480");
  await page.getByLabel("Folder, one sub-folder per member").fill("../outside");
  await expect(seal).toBeDisabled();
  await page.getByLabel("Folder, one sub-folder per member").fill("report");
  await checked(page);
  await expect(seal).toBeEnabled();
});

test("a plan that is rejected does not run", async ({ page }) => {
  await upload(page, await fixture("3.7.1-three"));
  await openWizard(page, "3.7.1-three.db");
  await members(page, ["m1=http://127.0.0.1:2380"]);
  await page.getByLabel("A download per member").check();
  await checked(page);
  await page.getByRole("button", { name: "Seal plan" }).click();
  await page.getByRole("button", { name: "Reject with a reason" }).click();
  await looksRight(page);
  await page.getByLabel(/Why\?/).fill("not on a Friday");
  await page.getByRole("button", { name: "Reject the plan" }).click();
  await expect(page.getByText("not on a Friday")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Run / })).toHaveCount(0);
});
