// The whole path: a real snapshot goes in, three members come out, and real etcd serves them.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, signIn, test } from "../support/console.ts";
import { Etcd, freePort } from "../support/etcd.ts";
import { fixture, given, saidOf } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import { bytes, call, fields, opened, text, textOf } from "../support/people.ts";
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

/** The id and the hash of the plan that is open. */
async function planOf(page: Page): Promise<[string, string]> {
  const id = /\/plans\/([^/?]+)/.exec(page.url())?.[1] ?? "";
  const answer = await call(page, "PlanService/GetPlan", text(1, id));
  const plan = fields(opened(answer.body).message).find((one) => one.field === 1)?.bytes ?? Buffer.alloc(0);
  return [id, textOf(plan, 2)];
}

test("on a phone every field of the form has its label above it", async ({ page }) => {
  await upload(page, await fixture("3.5.33-mixed"));
  await openWizard(page, "3.5.33-mixed.db");
  await page.setViewportSize({ width: 360, height: 800 });
  const fields = page.locator(".pair .field");
  await expect(fields).not.toHaveCount(0);
  for (const field of await fields.all()) {
    const label = await field.locator("label").boundingBox();
    const input = await field.locator("input").boundingBox();
    expect((label?.y ?? 0) + (label?.height ?? 0)).toBeLessThanOrEqual((input?.y ?? 0) + 1);
  }
});

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
  await page.getByRole("radiogroup", { name: "Target etcd version" }).getByLabel(/3\.5/).check();
  // Not raised, so that the members' HashKV can be held against the snapshot's.
  await page.getByLabel(/^Bump revision/).uncheck();
  await page.getByLabel("A folder on the server").check();
  await page.getByLabel("Folder, one sub-folder per member").fill("three-members");
  await expect(page.getByText("etcdutl snapshot restore").first()).toBeAttached();
  await checked(page);
  await looksRight(page);
  await sealApproveRun(page, looksRight);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("3 members are ready. Next: start them");

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
  await expect(page.getByText("Finished", { exact: true })).toBeVisible();
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
  await page.getByRole("radiogroup", { name: "Target etcd version" }).getByLabel(/3\.5/).check();
  await page.getByLabel("A download per member").check();
  await page.getByLabel(/^Bump revision/).check();
  await page.getByLabel("Bump by").fill("50000");
  await checked(page);
  await sealApproveRun(page, looksRight);
  for (const [what, outcome] of await verification(page)) expect(outcome, what).toMatch(/pass/);
  // Size and digest are told beforehand, to compare with what arrives.
  const listed = page.getByRole("row").filter({ hasText: "solo.tar" });
  await expect(listed).toContainText(/MiB/);
  const digest = await listed.getByRole("button").getAttribute("title");
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download solo.tar" }).click();
  expect(createHash("sha256").update(await readFile(await (await download).path())).digest("hex")).toBe(digest);
  const unpacked = await mkdtemp(join(tmpdir(), "requorum-e2e-tar-"));
  try {
    execFileSync("tar", ["-xf", await (await download).path(), "-C", unpacked]);
    const member = folder(unpacked, "member");
    const etcd = await Etcd.boot([{ name: "solo", peerUrl, dataDir: join(member, "..") }], "e2e-solo");
    try {
      const { count, revision } = await etcd.keys(etcd.clientUrls[0] ?? "");
      expect(count).toBe(said.liveKeys);
      expect(revision).toBeGreaterThanOrEqual(said.status["etcdutl 3.5.33"].revision + 50000);
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
  // The alarm in the file would survive a restore and refuse all writes: it is cleared unless a person decides else.
  const report = page.getByLabel("Report and steps");
  const clear = page.getByLabel("Clear active alarms");
  await expect(clear).toBeChecked();
  await expect(report).toContainText("Active alarms are cleared (etcdutl does not): NOSPACE");
  await clear.uncheck();
  await expect(report).toContainText("The restored cluster keeps an active alarm: NOSPACE");
  await expect(page.locator("#why-not")).toContainText(/[1-9] warning/);
  await report.getByRole("button", { name: "Clear the alarm in the restore" }).click();
  await expect(clear).toBeChecked();
  await expect(report).not.toContainText("keeps an active alarm");

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
  await page.getByRole("button", { name: "Reject", exact: true }).click();
  await looksRight(page);
  await page.getByLabel("Reason, for the author").fill("not on a Friday");
  await page.getByRole("button", { name: "Reject plan" }).click();
  await expect(page.getByText("not on a Friday")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Run / })).toHaveCount(0);
});

test("what is wrong with one member is said at that member, and what two share at both", async ({ page }) => {
  await upload(page, await fixture("3.6.14-three"));
  await openWizard(page, "3.6.14-three.db");
  await members(page, ["n1=https://10.0.0.1:2380", "n2=https://10.0.0.2:2380", "n3=https://10.0.0.3:2380"]);
  const name = (n: number) => page.getByLabel(`Name of member ${n}`);
  const urls = (n: number) => page.getByLabel(`Peer URLs of member ${n}`);
  const wrong = async (names: number[], rows: number[]) => {
    for (const n of [1, 2, 3]) {
      if (names.includes(n)) await expect(name(n)).toHaveAttribute("aria-invalid", "true");
      else await expect(name(n)).not.toHaveAttribute("aria-invalid");
      if (rows.includes(n)) await expect(urls(n)).toHaveAttribute("aria-invalid", "true");
      else await expect(urls(n)).not.toHaveAttribute("aria-invalid");
    }
  };
  await wrong([], []);
  // Two of one name, and a URL that is wrong in the second of them.
  await name(2).fill("n1");
  await urls(2).fill("https://10.0.0.2:2380/path");
  await wrong([1, 2], [2]);
  await checked(page);
  await wrong([1, 2], [2]);
  await expect(urls(2)).toHaveAccessibleDescription(/a path/);
  await looksRight(page);
  await name(2).fill("n2");
  await urls(2).fill("https://10.0.0.3:2380");
  await wrong([], [2, 3]);
  await expect(urls(2)).toHaveAccessibleDescription(/also used by member n3/);
  await expect(urls(3)).toHaveAccessibleDescription(/also used by member n2/);
  // A row that goes takes its error along, whatever the server said of the rows as they were.
  await checked(page);
  await page.getByRole("button", { name: "Remove member 2 n2" }).click();
  for (const n of [1, 2]) await expect(urls(n)).not.toHaveAttribute("aria-invalid");
  await checked(page);
  for (const n of [1, 2]) await expect(urls(n)).not.toHaveAttribute("aria-invalid");
});

test("a list is pasted as it comes, is seen before it is used, and can be undone", async ({ page }) => {
  await upload(page, await fixture("3.6.14-three"));
  await openWizard(page, "3.6.14-three.db");
  await members(page, ["n1=https://10.0.0.1:2380"]);
  const list = page.getByLabel(/^name=URL/);
  const paste = page.getByRole("button", { name: "Paste members" });
  const name = (n: number) => page.getByLabel(`Name of member ${n}`);
  const urls = (n: number) => page.getByLabel(`Peer URLs of member ${n}`);
  const forms = [
    "a1=https://a:2380,a2=https://b:2380",
    "a1=https://a:2380\r\na2=https://b:2380\r\n",
    "ETCD_INITIAL_CLUSTER=\"a1=https://a:2380,a2=https://b:2380\"",
    "8211f1d0f64f3269, started, a1, https://a:2380, https://a:2379, false\n91bc3c398fb3c146, started, a2, https://b:2380, https://b:2379, false\n",
    "| ID | STATUS | NAME | PEER ADDRS | CLIENT ADDRS | IS LEARNER |\n| 8211f1d0f64f3269 | started | a1 | https://a:2380 | https://a:2379 | false |\n| 91bc3c398fb3c146 | started | a2 | https://b:2380 | https://b:2379 | false |",
    JSON.stringify({ members: [{ ID: 1, name: "a1", peerURLs: ["https://a:2380"] }, { ID: 2, name: "a2", peerURLs: ["https://b:2380"] }] }),
  ];
  for (const form of forms) {
    await paste.click();
    await list.fill(form);
    const preview = page.getByRole("table", { name: "Members in the text" });
    await expect(preview.getByRole("row")).toHaveCount(3);
    await expect(preview).toContainText("https://b:2380");
    // Nothing is replaced before it was seen.
    await expect(name(2)).toHaveCount(0);
    await page.getByRole("button", { name: "Use these 2 members" }).click();
    await expect(name(1)).toHaveValue("a1");
    await expect(urls(2)).toHaveValue("https://b:2380");
    await page.getByRole("button", { name: "Undo" }).click();
    await expect(name(1)).toHaveValue("n1");
    await expect(name(2)).toHaveCount(0);
  }
  // The text stays, and what is no member is named.
  await paste.click();
  await expect(list).toHaveValue(forms.at(-1) ?? "");
  await list.fill("hello a1=https://a:2380 l=");
  await expect(page.getByText("not understood: hello")).toBeVisible();
  await looksRight(page);
  await list.fill("nothing of the kind");
  await expect(page.getByText(/No members found/)).toBeVisible();
  await expect(page.getByRole("button", { name: /^Use th/ })).toHaveCount(0);
  await paste.click();
  await page.getByRole("button", { name: "Add a member" }).click();
  await expect(name(2)).toHaveValue("n2");
  // A reload loses nothing.
  await urls(2).fill("https://10.0.0.2:2380");
  await page.reload();
  await expect(urls(2)).toHaveValue("https://10.0.0.2:2380");
  await page.goto("/plans");
  await page.goBack();
  await expect(urls(2)).toHaveValue("https://10.0.0.2:2380");
});

test("each finding that a choice resolves has its button, and the revision is known before", async ({ page }) => {
  await upload(page, await fixture("3.6.14-auth"));
  await openWizard(page, "3.6.14-auth.db");
  await members(page, ["m1=https://a:2379", "M1=http://b:2380", "m3=https://localhost:2380"]);
  const report = page.getByLabel("Report and steps");
  const start = page.locator("#bump-result");
  const ends = Number((await saidOf("3.6.14-auth")).status["etcdutl 3.6.14"].revision);
  await page.getByLabel("Bump by").fill("1 350 007");
  await expect(start).toContainText(`starts at revision ${(ends + 1_350_007).toLocaleString("fr-FR")}`);
  await page.getByLabel("Bump by").fill("10");
  await page.getByLabel("Mark old revisions compacted").uncheck();
  await page.getByLabel(/Initial-cluster token/).fill("prod etcd");
  await page.getByLabel("Folder, one sub-folder per member").fill("buttons");
  await checked(page);
  for (const code of ["member.name-case", "member.url-client-port", "member.url-scheme", "member.url-loopback", "token.characters", "bump.without-mark", "bump.small", "auth.enabled"]) {
    await expect(report.getByText(code, { exact: true }), code).toHaveCount(1);
  }
  await looksRight(page);
  for (const [press, code] of [
    ["Use port 2380", "member.url-client-port"],
    ["Use https for all members", "member.url-scheme"],
    [/^Use the token etcd-/, "token.characters"],
    ["Mark old revisions compacted", "bump.without-mark"],
    [/^Bump the revision by 1.000.000.000$/, "bump.small"],
    ["Turn authentication off in the restore", "auth.enabled"],
  ] as const) {
    await report.getByRole("button", { name: press }).click();
    await expect(report.getByText(code, { exact: true }), code).toHaveCount(0);
    // The button is gone: the focus is where the findings are, and not lost.
    await expect(report).toBeFocused();
  }
  await expect(page.getByLabel("Peer URLs of member 1")).toHaveValue("https://a:2380");
  await expect(page.getByLabel("Peer URLs of member 2")).toHaveValue("https://b:2380");
  await expect(page.getByLabel("Turn authentication off")).toBeChecked();
  await page.getByLabel("Highest revision observed on the old cluster (optional)").fill("5000000");
  await page.getByLabel("Bump by").fill("100000");
  await report.getByRole("button", { name: /^Bump the revision by/ }).click();
  await expect(report.getByText("bump.too-small", { exact: true })).toHaveCount(0);
  await checked(page);
  await expect(page.getByRole("button", { name: "Seal plan" })).toBeEnabled();
});

test("on a narrow screen findings are near their field, and the plan can be sealed from anywhere", async ({ page }) => {
  await upload(page, await fixture("3.6.14-nospace"));
  await openWizard(page, "3.6.14-nospace.db");
  await page.setViewportSize({ width: 360, height: 740 });
  await members(page, ["m1=https://10.0.0.1:2379"]);
  const row = page.getByRole("row").filter({ has: page.getByLabel("Name of member 1") });
  await expect(row.getByText("member.url-client-port", { exact: true })).toBeVisible();
  await row.getByRole("button", { name: "Use port 2380" }).click();
  await expect(page.getByLabel("Peer URLs of member 1")).toHaveValue("https://10.0.0.1:2380");
  await expect(row.getByText("member.url-client-port", { exact: true })).toHaveCount(0);
  const seal = page.getByRole("button", { name: "Seal plan" });
  for (const at of [0, 600, 1200]) {
    await page.evaluate((y) => window.scrollTo(0, y), at);
    await expect(seal).toBeInViewport({ ratio: 1 });
  }
  await expect(page.locator("#why-not")).toContainText("0 blocking");
  await page.getByRole("button", { name: "Findings", exact: true }).click();
  await expect(page.getByLabel("Report and steps")).toBeFocused();
});

test("a new plan after a rejection or a drift begins where the old one ended", async ({ page, server }) => {
  await upload(page, await fixture("3.7.1-lease"));
  await openWizard(page, "3.7.1-lease.db");
  await members(page, ["n1=https://10.0.0.1:2380", "n2=https://10.0.0.2:2380", "n3=https://10.0.0.3:2380"]);
  await page.getByLabel(/Initial-cluster token/).fill("e2e-again");
  await page.getByLabel("Folder, one sub-folder per member").fill("again");
  const stated = [
    ["Highest revision observed on the old cluster (optional)", "1"],
    ["Writes per hour (optional)", "1200"],
    ["Time unobserved after that (optional)", "90s"],
  ] as const;
  for (const [label, value] of stated) await page.getByLabel(label).fill(value);
  await checked(page);
  await page.getByRole("button", { name: "Seal plan" }).click();
  await expect(page).toHaveURL(/\/plans\/./);
  // What the plan rests on changes: the folder is there now, empty as it must be.
  await mkdir(join(server.dataDir, "restores", "again"));
  const [first, hash] = await planOf(page);
  const refused = await call(page, "PlanService/ApprovePlan", Buffer.concat([text(1, first), text(2, hash)]));
  expect(refused.code).toBe("plan.invalidated");
  await page.reload();
  await page.getByRole("link", { name: "Create a new plan" }).first().click();
  await expect(page.getByText("Filled in from a plan that is no longer valid.")).toBeVisible();
  await expect(page.getByLabel("Name of member 3")).toHaveValue("n3");
  await expect(page.getByLabel(/Initial-cluster token/)).toHaveValue("e2e-again");
  await expect(page.getByLabel("Folder, one sub-folder per member")).toHaveValue("again");
  for (const [label, value] of stated) await expect(page.getByLabel(label)).toHaveValue(value);
  // What drifted is marked where it is chosen.
  await expect(page.getByText("Changed since the earlier plan:")).toBeVisible();
  await checked(page);
  await looksRight(page);
  await page.getByRole("button", { name: "Seal again" }).click();
  await expect(page).toHaveURL(/\/plans\/[^?]+$/);
  const [second, sealed] = await planOf(page);
  expect(second).not.toBe(first);
  const reason = text(3, "another token, please");
  const rejected = await call(page, "PlanService/RejectPlan", Buffer.concat([text(1, second), text(2, sealed), reason]));
  expect(rejected.status, rejected.code).toBe("0");
  await page.reload();
  await page.getByRole("link", { name: "Create a new plan" }).first().click();
  await expect(page.getByText(/^Filled in from the plan that ada rejected/)).toBeVisible();
  await expect(page.getByText("another token, please")).toBeVisible();
  // What a person refused is not sealed again as it was by one press.
  await expect(page.getByRole("button", { name: "Seal again" })).toHaveCount(0);
  await page.getByLabel(/Initial-cluster token/).fill("e2e-again-2");
  await page.reload();
  await expect(page.getByLabel(/Initial-cluster token/)).toHaveValue("e2e-again-2");
});

/** A lease of a node, as an API server stores it, renewed at this time. */
function lease(seconds: number): Buffer {
  const varint: number[] = [];
  for (let rest = seconds; rest > 0; rest = Math.floor(rest / 128)) varint.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
  const time = Buffer.from([1 << 3, ...varint]);
  const spec = Buffer.concat([text(1, "node-1"), bytes(4, time)]);
  const object = Buffer.concat([text(1, "meta"), bytes(2, spec)]);
  return Buffer.concat([Buffer.from("k8s\0"), text(1, "type"), bytes(2, object)]);
}

test("what is lost is on one axis: in the form and on the plan, known and unknown", async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), "requorum-e2e-lost-"));
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  const etcd = await Etcd.boot([{ name: "m1", peerUrl, dataDir: join(folder, "m1") }], "e2e-lost");
  let snapshot: Buffer;
  try {
    for (let i = 0; i < 12; i++) await etcd.put(`/registry/pods/default/web-${i}`, "p");
    for (const name of ["default", "kube-system"]) await etcd.put(`/registry/namespaces/${name}`, "n");
    await etcd.put("/registry/configmaps/kube-system/config", "c");
    await etcd.call(etcd.clientUrls[0] ?? "", "kv/put", {
      key: Buffer.from("/registry/leases/kube-node-lease/node-1").toString("base64"),
      value: lease(Math.floor(Date.now() / 1000) - 41 * 60).toString("base64"),
    });
    snapshot = await etcd.snapshot();
  } finally {
    await etcd.stop();
    await rm(folder, { recursive: true, force: true });
  }
  await upload(page, given("lost.db", snapshot));
  await openWizard(page, "lost.db");
  const lost = page.getByRole("region", { name: "What is lost" });
  // The clock goes on while this runs, and midnight may be between both.
  const sentence = /Writes since (\d{4}-\d\d-\d\d )?\d\d:\d\d UTC \(at most 4[1-4] minutes\) are lost\./;
  await expect(lost).toContainText(sentence);
  await expect(lost).toContainText("no later revision was observed");
  await page.getByLabel(/^Highest revision observed/).fill("900000");
  await expect(lost).toContainText(/At least 8\d\d.\d{3} revisions are lost\./);
  await expect(lost).toContainText(/highest revision observed: 900.000/);
  await page.getByLabel("A folder on the server").check();
  await expect(page.getByText(/^Needs .* of .* free$/)).toBeVisible();
  await members(page, ["m1=http://127.0.0.1:2380", "m2=http://127.0.0.1:2480", "m3=http://127.0.0.1:2580"]);
  await page.getByLabel("Folder, one sub-folder per member").fill("lost");
  await checked(page);
  await looksRight(page);

  await page.getByRole("button", { name: "Seal plan" }).click();
  await expect(page).toHaveURL(/\/plans\/./);
  const main = page.getByRole("main");
  const until = /Writes since .* UTC \(at most 4[1-4] minutes until the plan was sealed\) are lost\./;
  await expect(main.locator(".loss")).toContainText(until);
  await expect(main.locator(".loss")).toContainText("Plan sealed");
  await expect(main.getByText(/^Needs .* of .* free$/)).toBeVisible();
  const figure = main.locator(".member-figure");
  await expect(figure).toContainText("1 member before, 3 members after.");
  await expect(figure.getByText("new address")).toBeVisible();
  await expect(figure.getByText("added")).toHaveCount(2);
  await expect(figure.getByRole("button", { name: "Copy http://127.0.0.1:2480" })).toBeVisible();
  await expect(main.getByRole("button", { name: /^Copy \/.*\/lost$/ })).toBeVisible();
  await looksRight(page);

  await upload(page, await fixture("3.5.33-mixed"));
  await openWizard(page, "3.5.33-mixed.db");
  await expect(lost).toContainText("The time of this snapshot is unknown. It was uploaded at");
  await expect(lost).not.toContainText("at most");
});
