// Several people and one plan: who must agree, what each of them sees, and what happens without.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Page, type Route, expect } from "@playwright/test";
import { signIn, test as console } from "../support/console.ts";
import { type Given, choose, fixture, flipped, likeDossier } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import { bytes, call, fields, opened, person, replaced, text, textOf } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { checked, isStored, members, openWizard } from "../support/wizard.ts";

// A server of this file's own: where somebody else may approve, the author alone is not enough, in any test.
const test = console.extend<{}, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
});

test.describe.configure({ timeout: 180_000 });

test.beforeEach(async ({ page, administrator }) => {
  await signIn(page, administrator);
});

let made = 0;

/** Somebody new, with a name of their own in every test. */
async function somebody(page: Page, server: Server, name: string, ...roles: string[]): Promise<Page> {
  const browser = page.context().browser();
  if (!browser) throw new Error("no browser");
  await page.goto("/");
  made += 1;
  return (await person(browser, server, page, `${name} ${made}`, roles)).page;
}

/** Seals a plan to a folder of this name; gives its address. */
async function seal(page: Page, file: Given, folder: string, cluster = ""): Promise<string> {
  await page.goto("/files");
  await page.getByLabel("Cluster for these uploads").fill(cluster);
  await choose(page, file);
  await isStored(page, file.name);
  await openWizard(page, file.name);
  await members(page, ["m1=http://127.0.0.1:2380", "m2=http://127.0.0.1:2480"]);
  await page.getByLabel(/Initial-cluster token/).fill(`e2e-${folder}`);
  await page.getByLabel("A folder on the server").check();
  await page.getByLabel("Folder, one sub-folder per member").fill(folder);
  await checked(page);
  await page.getByRole("button", { name: "Seal plan" }).click();
  await expect(page).toHaveURL(/\/plans\/./);
  await expect(page.getByText(/Your browser recomputed this plan: same hash/)).toBeVisible();
  return new URL(page.url()).pathname;
}

const approve = (page: Page) => page.getByRole("button", { name: /^Approve/ });
const run = (page: Page) => page.getByRole("button", { name: /^Run \d+ steps?/ });

/** Reads all warnings, and approves. */
async function readAndApprove(page: Page): Promise<void> {
  await expect(approve(page)).toBeVisible();
  for (const box of await page.getByLabel("I have read this").all()) await box.check();
  await approve(page).click();
}

test("a second person approves after both checks, the author cannot, and the plan runs", async ({ page, server }) => {
  const ben = await somebody(page, server, "Ben", "approver@prod-etcd");
  const lea = await somebody(page, server, "Lea", "approver@lab");
  const file = await fixture("3.6.14-mixed");
  const address = await seal(page, file, "second-person", "prod-etcd");
  await expect(page.getByRole("heading", { name: "Approval", exact: true })).toBeVisible();
  await expect(page.getByText(/You created this plan: another person must approve it\./)).toBeVisible();
  await expect(approve(page)).toHaveCount(0);
  await expect(run(page)).toHaveCount(0);
  await looksRight(page);

  // Another cluster's approver is shown nothing of it, and told which role is missing.
  await lea.goto("/plans");
  await expect(lea.getByRole("heading", { level: 1 })).toHaveText("No plans yet");
  await lea.goto(address);
  await expect(lea.getByText(/you need the role .* for prod-etcd/)).toBeVisible();

  await ben.goto("/");
  await expect(ben.getByRole("heading", { level: 1 })).toHaveText("1 item needs your attention");
  await expect(ben.getByRole("banner").getByRole("button", { name: "Inbox: 1 item" })).toBeVisible();
  await looksRight(ben);
  await ben.getByRole("link", { name: /^prod-etcd #\d+$/ }).click();
  await expect(ben).toHaveURL(new RegExp(`${address}$`));
  await expect(ben.getByText("Your browser recomputed this plan: same hash, same check.")).toBeVisible();
  await ben.getByText("Your browser recomputed this plan").click();
  await expect(ben.getByText(/from the facts that the server names: 0 blocking/)).toBeVisible();
  const compared = ben.getByRole("table").filter({ hasText: "This browser" });
  await expect(compared.getByText("same", { exact: true })).toHaveCount(3);
  await looksRight(ben);

  // Another file than the plan's stands against it; the plan's own does not.
  await choose(ben, flipped(file, 9000));
  await expect(ben.getByText("Your file does not match the plan: do not approve it.")).toBeVisible();
  await expect(approve(ben)).toHaveCount(0);
  await looksRight(ben);
  await choose(ben, likeDossier());
  await expect(ben.getByText("dossier.zip is a dossier, not a snapshot.")).toBeVisible();
  await choose(ben, file);
  await expect(ben.getByText("Your file matches the plan: same SHA-256, same verdict.")).toBeVisible();
  await expect(compared.getByText("same", { exact: true })).toHaveCount(4);
  await readAndApprove(ben);
  const decided = Date.now();
  await expect(ben.getByText("Approved. Ready to run.").first()).toBeVisible();
  await expect(approve(ben)).toHaveCount(0);
  await expect(run(ben)).toHaveCount(0);

  // The author's page shows it soon, without a reload.
  await expect(run(page)).toBeVisible({ timeout: 30_000 });
  expect(Date.now() - decided, "until the author's page shows it").toBeLessThan(6_000);
  await run(page).click();
  await expect(page).toHaveURL(/\/jobs\/./);
  await expect(page.getByText("Finished", { exact: true })).toBeVisible({ timeout: 60_000 });
  await page.goto(address);
  await expect(page.getByText(/^executed \(approved by Ben \d+, run by ada\)$/).first()).toBeVisible();
  await looksRight(page);
});

test("a rejection's reason is read by the author", async ({ page, server }) => {
  const ben = await somebody(page, server, "Ben", "approver");
  const address = await seal(page, await fixture("3.7.1-three"), "rejected");
  await ben.goto(address);
  await ben.getByRole("button", { name: "Reject", exact: true }).click();
  await looksRight(ben);
  await ben.getByLabel("Reason, for the author").fill("the snapshot of an hour ago is whole as well");
  await ben.getByRole("button", { name: "Reject plan" }).click();
  await expect(ben.getByText(/^rejected by Ben/).first()).toBeVisible();
  await expect(page.getByText("the snapshot of an hour ago is whole as well")).toBeVisible({ timeout: 30_000 });
  await expect(approve(ben)).toHaveCount(0);
});

test("the author withdraws a plan that waits, and nobody is asked for it any more", async ({ page, server }) => {
  const ben = await somebody(page, server, "Ben", "approver@lab");
  const address = await seal(page, await fixture("3.7.1-mixed"), "withdrawn", "lab");
  await ben.goto("/");
  await expect(ben.getByRole("heading", { level: 1 })).toHaveText("1 item needs your attention");
  await ben.goto(address);
  await expect(approve(ben)).toBeVisible();
  await expect(ben.getByRole("button", { name: "Withdraw plan" })).toHaveCount(0);

  await page.getByRole("button", { name: "Withdraw plan" }).click();
  const dialog = page.getByRole("dialog", { name: "Withdraw this plan" });
  await looksRight(page);
  await dialog.getByLabel("Reason (optional)").fill("the cluster came back");
  await dialog.getByRole("button", { name: "Withdraw plan" }).click();
  await expect(page.getByText("withdrawn by ada", { exact: true }).first()).toBeVisible();
  await expect(page.getByText(/Withdrawn by ada, .*\d/)).toBeVisible();
  await expect(page.getByText("Reason for the withdrawal: the cluster came back")).toBeVisible();
  await expect(page.getByText("Withdrawn by its author. Create a new plan.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Withdraw plan" })).toHaveCount(0);
  await looksRight(page);

  await expect(ben.getByText("Reason for the withdrawal: the cluster came back")).toBeVisible({ timeout: 30_000 });
  await expect(approve(ben)).toHaveCount(0);
  await ben.goto("/");
  await expect(ben.getByRole("heading", { level: 1 })).toHaveText("You're all caught up");
  await ben.goto("/plans?state=withdrawn");
  await expect(ben.getByRole("row").nth(1)).toContainText("withdrawn");
  await looksRight(ben);
});

test("broken glass is told on every page until an approver closes its review", async ({ page, server }) => {
  const ben = await somebody(page, server, "Ben", "approver");
  const carl = await somebody(page, server, "Carl", "operator");
  const address = await seal(page, await fixture("3.6.14-three"), "glass");
  await carl.goto(address);
  await expect(approve(carl)).toHaveCount(0);
  await expect(carl.getByRole("button", { name: "Run without approval" })).toBeVisible();
  for (const box of await carl.getByLabel("I have read this").all()) await box.check();
  await carl.getByRole("button", { name: "Run without approval" }).click();
  const breaks = carl.getByRole("button", { name: /^Override approval/ });
  await carl.getByLabel(/Reason, at least/).fill("the store is down and nobody answers");
  await expect(breaks).toBeDisabled();
  await carl.getByLabel(/Type .* to confirm/).fill("without approval");
  await looksRight(carl);
  await breaks.click();
  await expect(carl.getByText(/^Break-glass override by Carl \d+\. This plan is allowed to run without approval\.$/)).toBeVisible();
  // Never green: it is not approved.
  const state = carl.getByText(/^not approved · override by Carl \d+$/).first();
  await expect(state).toBeVisible();
  const green = await carl.evaluate(() => {
    const probe = document.createElement("span");
    probe.className = "status pass";
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  });
  expect(await state.evaluate((element) => getComputedStyle(element).color)).not.toBe(green);
  await looksRight(carl);
  await run(carl).click();
  await expect(carl).toHaveURL(/\/jobs\/./);
  await expect(carl.getByText("the store is down and nobody answers")).toBeVisible();
  await expect(carl.getByText("Finished", { exact: true })).toBeVisible({ timeout: 60_000 });
  await looksRight(carl);

  for (const one of [page, ben, carl]) {
    for (const where of ["/", "/files", "/plans", "/jobs", "/settings", "/settings/policies"]) {
      await one.goto(where);
      await expect(one.getByText(/^Break-glass override in use\./)).toBeVisible();
    }
  }
  await looksRight(page);
  await carl.goto("/reviews");
  await expect(carl.getByText(/you need the role approver/)).toBeVisible();
  await expect(carl.getByRole("button", { name: "Close review" })).toHaveCount(0);
  await ben.getByRole("alert").getByRole("link", { name: "Review" }).click();
  await looksRight(ben);
  await ben.getByRole("button", { name: "Close review" }).click();
  await ben.getByLabel("Findings").fill("right to do; the rota had a gap");
  await looksRight(ben);
  await ben.getByRole("dialog").getByRole("button", { name: "Close review" }).click();
  await expect(ben.getByText("right to do; the rota had a gap")).toBeVisible();
  await expect(ben.getByText(/^Break-glass override in use\./)).toHaveCount(0);
  await page.goto(address);
  await expect(page.getByText("right to do; the rota had a gap")).toBeVisible();
  await expect(page.getByText(/^Break-glass override in use\./)).toHaveCount(0);
});

test("what changed between sealing and approving invalidates the plan", async ({ page, server }) => {
  const ben = await somebody(page, server, "Ben", "approver");
  const address = await seal(page, await fixture("3.4.23-three"), "drifts");
  await ben.goto(address);
  await expect(approve(ben)).toBeVisible();
  for (const box of await ben.getByLabel("I have read this").all()) await box.check();
  const there = join(server.dataDir, "restores", "drifts");
  mkdirSync(there, { recursive: true });
  writeFileSync(join(there, "somebody-was-here"), "x");
  await approve(ben).click();
  await expect(ben.getByText(/The plan is invalidated/).first()).toBeVisible();
  await ben.reload();
  await expect(ben.getByText(/invalidated/).first()).toBeVisible();
  await expect(approve(ben)).toHaveCount(0);
  await expect(ben.getByRole("link", { name: "Create a new plan" }).first()).toBeVisible();
  await looksRight(ben);
});

/** Lets a server's answer about a plan through with something changed. */
async function lying(page: Page, lie: (message: Buffer) => Buffer): Promise<void> {
  await page.route("**/requorum.v1.PlanService/GetPlan", async (route: Route) => {
    const response = await route.fetch();
    const answer = opened(await response.body());
    const headers = response.headers();
    delete headers["content-length"];
    await route.fulfill({ status: response.status(), headers, body: answer.with(lie(answer.message)) });
  });
}

test("a server that lies about a plan is not believed", async ({ page, server }) => {
  const ben = await somebody(page, server, "Ben", "approver");
  // An alarm in the file: the check has something to say.
  const address = await seal(page, await fixture("3.6.14-nospace"), "lies");
  await ben.goto(address);
  await expect(approve(ben)).toBeVisible();
  const PLAN = 2;
  const OBSERVATION = 4;
  const BODY = 6;
  const CHECK = 6;
  const observed = (message: Buffer, change: (json: string) => string) => {
    const seen = fields(message).find((one) => one.field === OBSERVATION)?.bytes ?? Buffer.alloc(0);
    const rest = fields(message).filter((one) => one.field !== OBSERVATION);
    const lied = replaced(seen, BODY, change(textOf(seen, BODY)));
    return Buffer.concat([...rest.map((one) => one.raw), bytes(OBSERVATION, lied)]);
  };
  const rehashed = (message: Buffer, plan: string) => {
    const hash = createHash("sha256").update(plan).digest("hex");
    const summary = fields(message).find((one) => one.field === 1)?.bytes ?? Buffer.alloc(0);
    const rest = fields(message).filter((one) => one.field !== 1 && one.field !== PLAN);
    const lied = replaced(summary, 2, hash);
    return Buffer.concat([bytes(1, lied), ...rest.map((one) => one.raw), text(PLAN, plan)]);
  };
  const lies: [string, (message: Buffer) => Buffer, RegExp][] = [
    ["the sealed bytes", (m) => replaced(m, PLAN, textOf(m, PLAN).replace("e2e-lies", "e2e-eils")), /recomputed this plan, and refuses it/],
    [
      "a native command, hashed again",
      (m) => rehashed(m, textOf(m, PLAN).replace("--name m1 ", "--name m9 ")),
      /step 3, the native command/,
    ],
    [
      "the report, with what spoke against it left out",
      (m) => Buffer.concat(fields(m).filter((one) => one.field !== CHECK).map((one) => one.raw)),
      /the server's check now: /,
    ],
    [
      "what it rests on",
      (m) => observed(m, (json) => json.replace(/"last_revision":\d+/, '"last_revision":7')),
      /a fact: snapshot/,
    ],
    ["what it rests on, left out", (m) => observed(m, () => ""), /the facts of the plan/],
  ];
  for (const [what, lie, named] of lies) {
    await lying(ben, lie);
    await ben.reload();
    await expect(ben.getByRole("alert").getByText(named).first(), what).toBeVisible();
    await expect(approve(ben), what).toHaveCount(0);
    await expect(run(ben), what).toHaveCount(0);
    await looksRight(ben);
    await ben.unroute("**/requorum.v1.PlanService/GetPlan");
  }
  await ben.reload();
  await expect(approve(ben)).toBeVisible();
});

test("an approval is of one plan: another's hash is refused, and so is an approval of what ran", async ({ page, server }) => {
  const ben = await somebody(page, server, "Ben", "approver");
  const file = await fixture("3.5.33-mixed");
  const first = await seal(page, file, "first");
  const id = (address: string) => address.split("/").at(-1) ?? "";
  const hash = async (address: string) => {
    const answer = await call(ben, "PlanService/GetPlan", text(1, id(address)));
    const summary = fields(opened(answer.body).message).find((one) => one.field === 1)?.bytes;
    return textOf(summary ?? Buffer.alloc(0), 2);
  };
  const say = (address: string, plan: string) =>
    call(
      ben,
      "PlanService/ApprovePlan",
      Buffer.concat([text(1, id(address)), text(2, plan), bytes(3, Buffer.concat([text(1, "members.even"), text(2, "--initial-cluster")]))]),
    );
  const sealed = await hash(first);
  expect(sealed).toMatch(/^[0-9a-f]{64}$/);
  expect((await say(first, sealed)).status).toBe("0");
  const second = await seal(page, file, "second");
  const replayed = await say(second, sealed);
  expect([replayed.status, replayed.code]).toEqual(["9", "plan.other-hash"]);
  await page.goto(first);
  await run(page).click();
  await expect(page).toHaveURL(/\/jobs\/./);
  const late = await say(first, sealed);
  expect(late.code).toBe("plan.used");
});

test("a policy says what it means before it is set", async ({ page, server }) => {
  const ben = await somebody(page, server, "Ben", "approver");
  await seal(page, await fixture("3.6.14-lease"), "policy", "shop-etcd");
  await ben.goto("/settings/policies");
  await expect(ben.getByText(/you need the role admin/)).toBeVisible();
  await expect(ben.getByRole("button", { name: "Add cluster policy" })).toHaveCount(0);
  await page.goto("/settings/policies");
  await looksRight(page);
  await page.getByRole("button", { name: "Add cluster policy" }).click();
  await page.getByLabel("Cluster", { exact: true }).fill("shop-etcd");
  const undoable = page.getByRole("group", { name: "Reversible plans", exact: true });
  await undoable.getByLabel("Approvals").selectOption("2");
  await undoable.getByLabel("Second person").selectOption("always");
  await expect(undoable.getByText(/2 approvals required/)).toBeVisible();
  await expect(page.getByText(/Waiting for 2 approvals/)).toBeVisible();
  await looksRight(page);
  await undoable.getByLabel("Approvals").selectOption("0");
  await expect(page.getByRole("button", { name: "Save policy" })).toBeDisabled();
  await undoable.getByLabel("Approvals").selectOption("2");
  await page.getByRole("button", { name: "Save policy" }).click();
  await expect(page.getByRole("heading", { name: "shop-etcd" })).toBeVisible();
  await page.goto("/plans?cluster=shop-etcd");
  await page.getByRole("rowheader").getByRole("link").click();
  await expect(page.getByText(/Waiting for 2 approvals/).first()).toBeVisible();
  const plan = page.url();

  await page.goto("/settings/policies");
  await page.getByRole("button", { name: "Remove policy of shop-etcd" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove policy" });
  await expect(dialog.getByText(/Waiting for 2 approvals/)).toBeVisible();
  await expect(dialog.getByText(/Waiting for 1 approval\./)).toBeVisible();
  await looksRight(page);
  await dialog.getByRole("button", { name: "Remove policy" }).click();
  // It asks for less, and so for a second person.
  await expect(page.getByRole("status").getByText(/a second person must confirm it/)).toBeVisible();
  const waits = "Removing the policy of shop-etcd needs a second person";
  await expect(page.getByRole("heading", { name: waits })).toBeVisible();
  await expect(page.getByText("You proposed this policy: another person must confirm it.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Confirm policy" })).toHaveCount(0);
  await looksRight(page);
  await ben.reload();
  await expect(ben.getByRole("heading", { name: waits })).toBeVisible();
  await looksRight(ben);
  await ben.getByRole("button", { name: "Confirm policy" }).click();
  await expect(ben.getByRole("heading", { name: waits })).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("heading", { name: "shop-etcd" })).toHaveCount(0);
  await page.goto(plan);
  await expect(page.getByText(/Waiting for 1 approval\./).first()).toBeVisible();
});

test("another cluster's name for a snapshot invalidates what was planned from it", async ({ page, server }) => {
  await somebody(page, server, "Ben", "approver");
  const file = await fixture("3.5.33-lease");
  const address = await seal(page, file, "renamed", "old-etcd");
  await page.goto("/files?cluster=old-etcd");
  await looksRight(page);
  await page.getByRole("rowheader").getByRole("link", { name: file.name }).click();
  await page.getByRole("button", { name: "Change" }).click();
  await looksRight(page);
  await page.getByLabel("Cluster (empty for none)").fill("new-etcd");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("new-etcd", { exact: true })).toBeVisible();
  await page.goto(address);
  await expect(page.getByRole("main").getByText(/belongs to new-etcd now, and not to old-etcd/).first()).toBeVisible();
});
