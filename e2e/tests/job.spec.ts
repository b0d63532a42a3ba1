// A job while it runs, and after: states that are true, a page that stays where it is, and the way to a running cluster.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { type Page } from "@playwright/test";
import { expect, signIn, test } from "../support/console.ts";
import { freePort } from "../support/etcd.ts";
import { fixture, saidOf } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import { answered, bytes, text } from "../support/people.ts";
import { built, ended } from "../support/server.ts";
import { approvePlan, checked, finished, members, openWizard, sealApproveStart, upload, verification } from "../support/wizard.ts";

test.describe.configure({ timeout: 240_000 });

test.beforeEach(async ({ page, administrator }) => {
  await signIn(page, administrator);
});

const headline = (page: Page) => page.getByRole("heading", { level: 1 });
const step = (page: Page, number: number) => page.locator(".job-step").nth(number - 1);

/** Plans a restore of three members to a folder, and comes to its job. */
async function start(page: Page, folder: string, pairs?: string[]): Promise<void> {
  await upload(page, await fixture("3.5.33-mixed"));
  await openWizard(page, "3.5.33-mixed.db");
  const own = pairs ?? [2380, 2480, 2580].map((port, at) => `m${at + 1}=http://127.0.0.1:${port}`);
  await members(page, own);
  await page.getByLabel(/Initial-cluster token/).fill(`e2e-${folder.replace(" ", "-")}`);
  await page.getByRole("radiogroup", { name: "Target etcd version" }).getByLabel(/3\.5/).check();
  await page.getByLabel(/^Bump revision/).uncheck();
  await page.getByLabel("A folder on the server").check();
  await page.getByLabel("Folder, one sub-folder per member").fill(folder);
  await checked(page);
  await sealApproveStart(page);
}

/** The sum of all layout shifts since `watchShifts`, with what moved. */
async function watchShifts(page: Page): Promise<() => Promise<{ sum: number; moved: string[] }>> {
  await page.evaluate(() => {
    const seen = { sum: 0, moved: [] as string[] };
    (globalThis as any).shifts = seen;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as any[]) {
        if (entry.hadRecentInput) continue;
        seen.sum += entry.value;
        for (const { node } of entry.sources) {
          const name = node?.nodeType === 1 ? `${node.nodeName}.${node.className}` : String(node?.parentNode?.nodeName);
          seen.moved.push(`${entry.value.toFixed(3)} ${name}`);
        }
      }
    }).observe({ type: "layout-shift" });
  });
  return () => page.evaluate(() => (globalThis as any).shifts);
}

for (const width of [1280, 360]) {
  test(`nothing on a running page moves by itself, at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    await start(page, `still-${width}`);
    await expect(step(page, 1)).toBeVisible();
    const shifts = await watchShifts(page);
    await expect(step(page, 6)).toContainText("running");
    // The last step counts its members.
    await expect(step(page, 6)).toContainText(/ of 3 members/);
    const matrix = page.getByRole("table").filter({ hasText: "Each member" });
    await expect(matrix.getByRole("columnheader")).toHaveText(["Each member", "m1", "m2", "m3"]);
    await finished(page);
    // What was seen is on its way for a frame.
    await page.waitForTimeout(300);
    const { sum, moved } = await shifts();
    expect(sum, moved.join("\n")).toBeLessThan(0.05);
    // The observer sees what moves.
    await page.evaluate(() => {
      const block = document.createElement("div");
      block.style.setProperty("height", "400px");
      document.querySelector("main")?.prepend(block);
    });
    await expect.poll(async () => (await shifts()).sum).toBeGreaterThan(0.05);
  });
}

test("a pause says that the step still works, and a stop voids what was verified", async ({ page }) => {
  // More members than in other tests: the last step has to last until both acts were asked for.
  await start(page, "paused", Array.from({ length: 9 }, (_, at) => `m${at + 1}=http://127.0.0.1:${2380 + 100 * at}`));
  await expect(step(page, 6)).toContainText("running");
  await page.getByRole("button", { name: "Pause before the next step" }).click();
  await expect(headline(page)).toHaveText(/^Pausing after step 6 of 6/);
  await expect(page.locator(".job-now")).toContainText("pausing");
  await page.getByRole("button", { name: "Stop and roll back" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("listitem").first()).toContainText("6. ");
  await dialog.getByRole("button", { name: "Stop and roll back" }).click();
  await finished(page);
  await expect(headline(page)).toHaveText("All changes were rolled back.");
  await expect(page.getByRole("heading", { name: "Verification (invalid)" })).toBeVisible();
  const matrix = page.getByRole("columnheader", { name: "Each member" });
  await expect(matrix).toHaveCount(0);
  await page.getByText(/\d+ checks of what was rolled back/).click();
  await expect(matrix).toBeVisible();
  const history = page.getByRole("log", { name: "History" });
  await expect(history).toContainText("Asked for a pause before the next step");
  await page.getByRole("button", { name: /^People/ }).click();
  await expect(history).toContainText("Asked to stop and roll back");
  await expect(history).not.toContainText("Step 3");
  await expect(page.getByText("Nothing to clean up.")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Next steps" })).toHaveCount(0);
  await looksRight(page);
});

test("a server that is gone is said to be, with the age of what is seen", async ({ page, server }) => {
  await start(page, "gone");
  await expect(step(page, 6)).toContainText("running");
  await page.getByRole("button", { name: "Stop and roll back" }).click();
  const dialog = page.getByRole("dialog", { name: "Stop and roll back" });
  await expect(dialog.getByRole("listitem").first()).toContainText("6. ");
  await server.kill();
  // Nothing moves on now, and the dialog stays.
  await looksRight(page, { tampered: true });
  await dialog.getByRole("button", { name: "Keep running" }).click();
  const lost = page.locator(".job-lost");
  await expect(lost).toContainText(/No answer from the server since \d\d:\d\d:\d\d UTC\. What you see is [\d.]+ s old\./);
  for (const name of ["Pause before the next step", "Stop and roll back"]) {
    await expect(page.getByRole("button", { name })).toBeDisabled();
  }
  await expect(page.getByText("Not available without a connection to the server.")).toBeVisible();
  await looksRight(page, { tampered: true });
  await expect(lost).toContainText("the job resumes after a restart", { timeout: 45_000 });
  await server.restart();
  await expect(page.getByText(/The server was restarted; the job resumed at \d\d:\d\d:\d\d UTC/)).toBeVisible();
  await expect(lost).toBeHidden();
  await finished(page);
  await expect(headline(page)).toHaveText("3 members are ready. Next: start them");
  await expect(page.getByRole("log", { name: "History" })).toContainText(
    "The server was restarted and resumes the job, and checks how far step 6 got",
  );
});

/** Two ports in a row that nobody listens on: the second for peers, the first for clients. */
async function freePair(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = await freePort();
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port - 1, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error("no two ports in a row are free");
}

/** What a shell gets from the fold with this label. */
async function command(page: Page, label: string | RegExp): Promise<string> {
  const fold = page.locator("details").filter({ has: page.locator("summary", { hasText: label }) });
  await expect(fold).toHaveCount(1);
  return (await fold.locator("pre").textContent()) ?? "";
}

test("the commands on the page start a healthy cluster, and each step is ticked", async ({ page, server }) => {
  const said = await saidOf("3.5.33-mixed");
  const ports = [await freePair(), await freePair(), await freePair()];
  const names = ["m1", "m2", "m3"];
  await start(page, "hand over", names.map((name, at) => `${name}=http://127.0.0.1:${ports[at]}`));
  await finished(page);
  await expect(headline(page)).toHaveText("3 members are ready. Next: start them");
  await looksRight(page);

  const found = readdirSync(server.dataDir, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isDirectory() && entry.name === "hand over",
  );
  const place = join(found?.parentPath ?? "", "hand over");
  const copies = page.locator("pre", { hasText: /^rsync / });
  await expect(copies).toHaveCount(3);
  await expect(copies.first()).toContainText(`'${place}/m1/'`);

  const folder = page.getByLabel("Data directory on the hosts");
  await folder.fill("etcd");
  await expect(folder).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByText(/Write an absolute path/)).toBeVisible();
  await folder.fill(`${place}/{name}`);
  await expect(folder).toHaveAttribute("aria-invalid", "false");

  const path = [built("REQUORUM_ETCD", "the folder with etcd 3.5.1"), process.env.PATH].join(delimiter);
  const clean = Object.entries(process.env).filter(([key]) => !key.startsWith("ETCD"));
  const env = { ...Object.fromEntries(clean), PATH: path };
  const running: ChildProcess[] = [];
  try {
    // Nothing that starts a member is shown before the step that starts them.
    const early = page.locator(".handover-step", { hasText: "Do not start it yet" });
    await expect(early).toHaveCount(3);
    await expect(early.locator("pre", { hasText: "--initial-cluster-state new" })).toHaveCount(0);
    for (const name of names) {
      const text = await command(page, new RegExp(`^etcd command of ${name}, `));
      expect(text).toContain(`--data-dir '${place}/${name}'`);
      // exec, so that the process that we end is etcd.
      running.push(spawn("sh", ["-c", `exec ${text}`], { env, stdio: "ignore" }));
    }
    const check = await command(page, "Health, members and content");
    await expect(() => {
      const out = execFileSync("sh", ["-ec", check], { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
      for (const [at, name] of names.entries()) {
        expect(out).toMatch(new RegExp(`\\| started +\\| +${name} `));
        expect(out).toContain(`http://127.0.0.1:${(ports[at] ?? 0) - 1}`);
      }
      expect(out.match(/\| *true \|/g)?.length).toBe(1);
      const hashes = [...out.matchAll(/http:\S+ +\| +(\d+) +\|$/gm)].map((match) => match[1]);
      expect(hashes.length).toBe(3);
      expect(new Set(hashes).size).toBe(1);
    }).toPass({ timeout: 60_000 });
    const counted = execFileSync(
      "etcdctl",
      ["--endpoints", `http://127.0.0.1:${(ports[0] ?? 0) - 1}`, "get", "", "--prefix", "--count-only", "-w", "fields"],
      { env, encoding: "utf8" },
    );
    expect(/"Count" : (\d+)/.exec(counted)?.[1]).toBe(String(said.liveKeys));
  } finally {
    await Promise.all(running.map((child) => ended(child, "SIGTERM")));
  }

  const open = page.getByRole("button", { name: /^Mark as done/ });
  await expect(open).toHaveCount(7);
  await page.getByLabel("Note (optional)").first().fill("all three are off");
  await open.first().click();
  await expect(page.getByText("all three are off").first()).toBeVisible();
  await expect(headline(page)).toHaveText("1 of 7 hand-over steps done.");
  for (let left = 6; left > 0; left--) {
    await open.first().click();
    await expect(open).toHaveCount(left - 1);
  }
  await expect(headline(page)).toHaveText("Recovery complete: every hand-over step is done.");
  await looksRight(page);
  await page.reload();
  await expect(page.locator(".handover-done")).toHaveCount(7);
  // The commands are still those of these hosts.
  await expect(folder).toHaveValue(`${place}/{name}`);
  await expect(page.locator(".handover-done").first()).toContainText("done by ada");
  await page.getByRole("button", { name: /^People/ }).click();
  await expect(page.getByRole("log", { name: "History" })).toContainText("Hand-over: Stop the old members");
  for (const [what, outcome] of await verification(page)) expect(outcome, what).toMatch(/pass/);
});

test("a tick by a colleague appears, and the same step is not ticked twice", async ({ page, browser, administrator, server }) => {
  await start(page, "together");
  await finished(page);
  const context = await browser.newContext({ baseURL: server.url, storageState: JSON.parse(administrator) });
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.getByRole("button", { name: /^Mark as done/ })).toHaveCount(7);
  // Two at once: one of them is told who was first.
  const stop = /^Mark as done.*Stop the old members/;
  await page.getByLabel("Note (optional)").first().fill("by the first");
  await other.getByLabel("Note (optional)").first().fill("by the second");
  await Promise.all([page, other].map((one) => one.getByRole("button", { name: stop }).click()));
  const refused = async () => {
    const told = [page, other].map((one) => one.getByText(/was already ticked as done, by ada/).count());
    return (await Promise.all(told)).reduce((sum, count) => sum + count);
  };
  await expect.poll(refused).toBe(1);
  for (const one of [page, other]) await expect(one.locator(".handover-done")).toHaveCount(1);
  await other.getByRole("button", { name: /^Mark as done.*Start all members/ }).click();
  await expect(headline(page)).toHaveText("2 of 7 hand-over steps done.", { timeout: 20_000 });
  await context.close();
});

test("what the plan warned of comes again before the hand-over", async ({ page }) => {
  await upload(page, await fixture("3.6.14-nospace"));
  await openWizard(page, "3.6.14-nospace.db");
  await members(page, ["m1=https://db-1.example:2380"]);
  const clear = page.getByLabel(/^Clear active alarms/);
  if (await clear.isChecked()) await clear.uncheck();
  await page.getByLabel("A download per member").check();
  await checked(page);
  await sealApproveStart(page);
  await finished(page);
  const before = page.getByRole("region", { name: "Before you hand over" });
  await expect(before).toContainText("NOSPACE");
  const fetch = page.locator("pre", { hasText: /^curl / });
  await expect(fetch).toContainText(`${new URL(page.url()).origin}/api/jobs/`);
  expect(await command(page, /^etcd command of m1, /)).toContain("--listen-peer-urls https://0.0.0.0:2380");
  await looksRight(page);
});

test("what a job left is listed, removed with its name typed, and said to be removed", async ({ page }) => {
  await start(page, "removed later");
  await finished(page);
  const cleanup = page.getByRole("region", { name: "Cleanup" });
  const place = (await cleanup.locator("code").first().textContent()) ?? "";
  expect(place).toMatch(/\/removed later$/);
  expect(existsSync(join(place, "m1/member/snap/db"))).toBe(true);
  await expect(cleanup).toContainText(/MiB|KiB/);
  const remove = cleanup.getByRole("button", { name: "Remove restored members" });

  // A server was started from one of them: nothing is removed.
  const log = join(place, "m2/member/wal/0000000000000000-0000000000000000.wal");
  const whole = readFileSync(log);
  // To the nanosecond, which Node's own calls do not keep.
  const times = `${place}.times`;
  writeFileSync(times, "");
  execFileSync("touch", ["-r", log, times]);
  const written = Buffer.from(whole);
  written.writeUInt8(written.readUInt8(8) ^ 1, 8);
  writeFileSync(log, written);
  const dialog = page.getByRole("dialog");
  const confirm = dialog.getByRole("button", { name: "Remove restored members" });
  const type = async () => {
    await remove.click();
    await expect(confirm).toBeDisabled();
    const name = (await dialog.locator("label strong").textContent()) ?? "";
    await dialog.getByLabel(/^Type .* to confirm$/).fill(name);
  };
  await type();
  await looksRight(page);
  await confirm.click();
  await expect(cleanup.getByRole("alert")).toContainText("A server may have been started on it");
  expect(existsSync(join(place, "m1/member/snap/db"))).toBe(true);
  await expect(cleanup).toContainText(/First difference: m2\/member\/wal\/.*\.wal was changed\./);
  await expect(remove).toHaveCount(0);
  await looksRight(page);
  writeFileSync(log, whole);
  execFileSync("touch", ["-r", times, log]);
  rmSync(times);

  // Moved away by hand: that is said, and it is not taken for removed.
  const away = `${place} away`;
  renameSync(place, away);
  await page.reload();
  await expect(cleanup).toContainText("No longer as this job left it");
  await expect(remove).toHaveCount(0);
  renameSync(away, place);
  await page.reload();

  await type();
  await confirm.click();
  await expect(cleanup).toContainText("The restored members were removed from the server by ada");
  expect(existsSync(place)).toBe(false);
  await page.getByRole("button", { name: /^People/ }).click();
  await expect(page.getByRole("log", { name: "History" })).toContainText("Removed the restored members");
  await looksRight(page);
  await page.getByRole("link", { name: "Ledger entries" }).click();
  await expect(page.getByRole("row").filter({ hasText: /remove what a job left/i }).first()).toBeVisible();
});

test("a list says that a job pauses as long as its step works", async ({ page }) => {
  let working = true;
  const small = (field: number, value: number) => Buffer.from([field << 3, value]);
  const PAUSED = 3;
  // What the server says of a running job is looked at in its own tests: a step does not wait for two pages.
  await page.route("**/*/ListJobs", (route) => {
    const parts = [text(1, "job1"), text(2, "plan1"), text(3, "Restore prod"), small(4, PAUSED), text(5, "Pausing"), small(6, 1)];
    // Field 20 has a tag of two bytes.
    const job = Buffer.concat([...parts, small(9, 5), small(10, 6), text(15, "prod #1"), Buffer.from([0xa0, 0x01, Number(working)])]);
    const counts = Buffer.concat([small(1, PAUSED), small(2, 1)]);
    return answered(route, Buffer.concat([bytes(1, job), small(3, 1), bytes(4, counts)]));
  });
  await page.route("**/*/ListInbox", (route) => {
    const RESUME = 2;
    const item = [small(1, RESUME), text(2, "job1"), text(3, "Restore prod"), small(6, 1), text(8, "prod #1"), small(9, Number(working))];
    return answered(route, Buffer.concat([bytes(1, Buffer.concat(item)), small(3, 1)]));
  });
  for (const word of ["pausing", "paused"]) {
    working = word === "pausing";
    await page.goto("/jobs?state=paused");
    const row = page.getByRole("row").filter({ hasText: "prod #1" });
    await expect(row.locator(".state .pill")).toHaveText(word);
    await page.goto("/");
    const line = page.locator(".line-list .line").filter({ hasText: "prod #1" });
    await expect(line.locator(".pill")).toHaveText(word);
  }
});

test("a question says what is at the target, and offers what makes a difference", async ({ page, server }) => {
  await upload(page, await fixture("3.5.33-mixed"));
  await openWizard(page, "3.5.33-mixed.db");
  await members(page, ["m1=http://10.0.0.1:2380"]);
  await page.getByLabel(/Initial-cluster token/).fill("e2e-asked");
  await page.getByRole("radiogroup", { name: "Target etcd version" }).getByLabel(/3\.5/).check();
  await page.getByLabel("A folder on the server").check();
  await page.getByLabel("Folder, one sub-folder per member").fill("asked");
  await checked(page);
  await page.getByRole("button", { name: "Seal plan" }).click();
  await expect(page).toHaveURL(/\/plans\/./);
  await approvePlan(page);
  // The stored file is damaged, so that the first step asks; by then something is where the members should go.
  const objects = readdirSync(join(server.dataDir, "objects"), { recursive: true, withFileTypes: true });
  const stored = objects.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const kept = new Map(stored.map((path) => [path, readFileSync(path)] as const).filter(([, bytes]) => bytes.length > 6000));
  for (const [path, bytes] of kept) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(5000) ^ 1, 5000);
    writeFileSync(path, damaged);
  }
  await page.getByRole("button", { name: /^Run \d+ steps?/ }).click();
  await expect(page).toHaveURL(/\/jobs\/./);
  const question = page.getByRole("alert", { name: "Question" });
  await expect(question).toContainText("Step 1");
  await expect(question).toContainText("SHA-256");
  await expect(question.getByRole("button")).toHaveText(["Try step 1 again", "Stop the job"]);
  await looksRight(page);
  for (const [path, bytes] of kept) writeFileSync(path, bytes);
  const place = join(server.dataDir, "restores", "asked");
  mkdirSync(join(place, "member"), { recursive: true });
  writeFileSync(join(place, "member", "notes.txt"), "another team's");
  await question.getByRole("button", { name: "Try step 1 again" }).click();
  await expect(question).toContainText("Step 2");
  await expect(question).toContainText(/member\/ \(14 bytes, owner .+, changed .+ ago\)/);
  await expect(question.getByRole("button")).toHaveText(["Try step 2 again", "Stop the job"]);
  await looksRight(page);
  renameSync(place, `${place} of another`);
  await question.getByRole("button", { name: "Try step 2 again" }).click();
  await finished(page);
  await expect(headline(page)).toHaveText("1 member is ready. Next: start it");
});
