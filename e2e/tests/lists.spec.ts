// Lists that are longer than a page: counted, gone through by keyboard, narrowed and put in order by the server, and
// their place kept in the address.
import { type Page, expect } from "@playwright/test";
import { signIn, test as console } from "../support/console.ts";
import { fixture } from "../support/files.ts";
import { sql } from "../support/ledger.ts";
import { looksRight } from "../support/look.ts";
import { person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { checked, members, openWizard, upload } from "../support/wizard.ts";

// A server of this file's own: its lists are long.
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

test.describe.configure({ mode: "serial", timeout: 180_000 });

const numbers = (last: number) =>
  `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${last})`;

/** Every row is one line at 1280 px, and 20 of them are at most 2000 px at 360. */
async function scans(page: Page): Promise<void> {
  const heights = () =>
    page.locator("table.lines tbody").first().evaluate((body) => {
      const rows = [...body.children].map((row) => row.getBoundingClientRect());
      const some = rows.slice(0, 20);
      const all = some.length ? some[some.length - 1]!.bottom - some[0]!.top : 0;
      return { rows: rows.length, highest: Math.max(...rows.map((row) => row.height)), twenty: (all * 20) / some.length };
    });
  const before = page.viewportSize();
  await page.setViewportSize({ width: 1280, height: 800 });
  const wide = await heights();
  expect(wide.rows).toBeGreaterThan(0);
  expect(wide.highest, "a row at 1280 px").toBeLessThanOrEqual(40);
  await page.setViewportSize({ width: 360, height: 740 });
  expect((await heights()).twenty, "20 rows at 360 px").toBeLessThanOrEqual(2_000);
  if (before) await page.setViewportSize(before);
}

/** 20 of these are at most 2000 px at 360, in however many lines each. */
async function isShort(page: Page, rows: string): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  const twenty = await page.locator(rows).evaluateAll((all) => {
    const boxes = all.slice(0, 20).map((row) => row.getBoundingClientRect());
    const height = boxes.length ? boxes[boxes.length - 1]!.bottom - boxes[0]!.top : Infinity;
    return (height * 20) / boxes.length;
  });
  expect(twenty, `20 of ${rows} at 360 px`).toBeLessThanOrEqual(2_000);
  if (before) await page.setViewportSize(before);
}

test.beforeEach(async ({ page, administrator }) => {
  await signIn(page, administrator);
});

test("a list of plans, of which some wait, is gone through page by page", async ({ page, server }) => {
  await upload(page, await fixture("3.6.14-mixed"));
  await openWizard(page, "3.6.14-mixed.db");
  await members(page, ["m1=http://127.0.0.1:2380"]);
  await page.getByLabel("A folder on the server").check();
  await page.getByLabel("Folder, one sub-folder per member").fill("lists");
  await checked(page);
  await page.getByRole("button", { name: "Seal plan" }).click();
  await expect(page).toHaveURL(/\/plans\/./);
  sql(
    server,
    `${numbers(119)} INSERT INTO plans (id, hash, outcome, author_id, author, sealed_ms, expires_ms, state,
     cluster, weight, number, file_names, headline_json, headline_number, target) SELECT 'plan' || i, 'hash' || i, 'Copy ' || i, author_id, author, sealed_ms - i,
     expires_ms, CASE WHEN i % 3 = 0 THEN 'invalidated' ELSE 'sealed' END,
     CASE WHEN i % 2 = 0 THEN 'prod' ELSE '' END, weight, 1000 + i, 'a-long-name-of-a-snapshot-' || (i % 10) || '.db',
     headline_json, headline_number, target FROM plans, n`,
  );
  sql(
    server,
    `${numbers(119)} INSERT INTO plan_documents (plan_id, plan_json) SELECT 'plan' || i, plan_json FROM plan_documents, n`,
  );
  sql(
    server,
    `${numbers(119)} INSERT INTO plan_inputs (plan_id, position, kind, id, sealed_ms, cluster) SELECT plans.id, position, kind,
     plan_inputs.id, plans.sealed_ms, plans.cluster FROM n JOIN plans ON plans.id = 'plan' || i
     JOIN plan_inputs ON plan_inputs.plan_id NOT LIKE 'plan%'`,
  );

  await page.goto("/plans");
  // 39 of the copies are invalidated.
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("81 plans waiting for approval");
  const pages = page.getByRole("navigation", { name: "Pagination" });
  await expect(pages).toContainText("1 to 50 of 120 plans");
  await expect(pages.getByRole("link", { name: "First page" })).toHaveCount(0);
  await looksRight(page);
  await scans(page);

  await pages.getByRole("link", { name: "Next page" }).focus();
  await page.keyboard.press("Enter");
  await expect(pages).toContainText("51 to 100 of 120 plans");
  await expect(page.getByRole("link", { name: "prod #1050", exact: true })).toBeVisible();
  await page.reload();
  await expect(pages, "the address is the place").toContainText("51 to 100 of 120 plans");
  await pages.getByRole("link", { name: "Next page" }).click();
  await expect(pages).toContainText("101 to 120 of 120 plans");
  await expect(pages.getByRole("link", { name: "Next page" })).toHaveCount(0);
  await looksRight(page);
  await page.goBack();
  await expect(pages).toContainText("51 to 100 of 120 plans");

  // What narrows the list begins at its first page, and is kept from page to page.
  await page.getByRole("combobox", { name: "State" }).selectOption("sealed");
  await expect(pages).toContainText("1 to 50 of 81 plans");
  await page.getByRole("combobox", { name: "Cluster" }).selectOption("prod");
  await expect(pages).toContainText("40 plans");
  expect(new URL(page.url()).search).toBe("?state=sealed&cluster=prod");
  await page.getByRole("combobox", { name: "State" }).selectOption("invalidated");
  await expect(pages).toContainText("19 plans");
  await page.goto("/plans?state=rejected&cluster=prod");
  await expect(page.getByText("No plans match the state “rejected” and the cluster “prod”.")).toBeVisible();
  await looksRight(page);
  await page.getByRole("link", { name: "Clear filters" }).click();
  await expect(pages).toContainText("1 to 50 of 120 plans");
  expect(new URL(page.url()).search).toBe("");

  // A search goes over all pages, and the address keeps it with the order.
  const search = page.getByLabel("Search plans: name, id, file, person");
  await search.pressSequentially("snapshot-7.db", { delay: 20 });
  await expect(pages).toContainText("12 plans");
  await expect(search).toBeFocused();
  await page.getByRole("button", { name: "Name" }).click();
  await expect(page.getByRole("row").nth(1)).toContainText("Restore #1007");
  await page.getByRole("button", { name: "Name" }).click();
  await expect(page.getByRole("row").nth(1)).toContainText("Restore #1117");
  await page.reload();
  await expect(page.getByRole("row").nth(1)).toContainText("Restore #1117");
  await search.fill("prod #1008");
  await expect(pages).toContainText("1 plan");
  await expect(page.getByRole("row").nth(1)).toContainText("prod #1008");
  await page.goto("/plans?after=torn");
  await expect(page.getByText("Begin at the first page", { exact: false })).toBeVisible();
});

test("a column that is hidden stays hidden in this browser until it is shown again", async ({ page }) => {
  const heading = (name: string) => page.getByRole("columnheader", { name, exact: true });
  const column = "State";
  for (const [path, others] of [
    ["/plans", "/files"],
    ["/files", "/plans"],
  ] as const) {
    await page.goto(path);
    await expect(heading(column)).toBeVisible();
    const columns = await page.getByRole("columnheader").count();
    await page.getByRole("button", { name: "Columns" }).click();
    const panel = page.getByRole("group", { name: "Columns" });
    await expect(panel.getByLabel("Name")).toHaveCount(0);
    await panel.getByLabel(column, { exact: true }).uncheck();
    await expect(heading(column)).toHaveCount(0);
    await expect(page.getByRole("row").nth(1).getByRole("cell")).toHaveCount(columns - 2);
    const [button, box] = [await page.getByRole("button", { name: "Columns" }).boundingBox(), await panel.boundingBox()];
    expect(box!.y - (button!.y + button!.height), "the panel is under its button").toBeLessThan(20);
    await looksRight(page);
    await page.keyboard.press("Escape");
    await expect(panel).toBeHidden();

    await page.reload();
    await expect(heading("Name")).toBeVisible();
    await expect(heading(column)).toHaveCount(0);
    await page.goto(others);
    await expect(heading(column), "each list has its own").toBeVisible();

    // A card shows what it always shows.
    await page.goto(path);
    await page.setViewportSize({ width: 360, height: 740 });
    await expect(page.getByRole("button", { name: "Columns" })).toHaveCount(0);
    await expect(page.locator("tbody tr").first().locator(".state")).toBeVisible();
    await page.setViewportSize({ width: 1280, height: 800 });

    await page.getByRole("button", { name: "Columns" }).click();
    await panel.getByLabel(column, { exact: true }).check();
    await expect(heading(column)).toBeVisible();
    await page.reload();
    await expect(heading(column)).toBeVisible();
    expect(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("columns")))).toEqual([]);
  }
});

test("the inbox counts what is on its other pages", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("81 items need your attention");
  await expect(page.getByRole("banner").getByRole("button", { name: "Inbox: 81 items" })).toBeVisible();
  await expect(page).toHaveTitle(/^\(81\) /);
  const pages = page.getByRole("navigation", { name: "Pagination" });
  await expect(pages).toContainText("1 to 20 of 81 items");
  await looksRight(page);
  const waiting = page.locator("section").filter({ has: page.getByRole("heading", { name: "Needs your attention" }) });
  await expect(waiting.getByRole("listitem").filter({ has: page.getByRole("link", { name: "Review" }) })).toHaveCount(20);
  await isShort(page, ".line-list:has(a.button) > .line");
  for (const words of ["21 to 40", "41 to 60", "61 to 80", "81 to 81"]) {
    await pages.getByRole("link", { name: "Next page" }).click();
    await expect(pages).toContainText(`${words} of 81 items`);
  }
  await pages.getByRole("link", { name: "First page" }).click();
  await expect(pages).toContainText("1 to 20 of 81 items");
});

test("a snapshot names its newest plans, and the way to all of them", async ({ page }) => {
  await page.goto("/files");
  const row = page.getByRole("row").filter({ hasText: "3.6.14-mixed.db" });
  // What plans need is not removed, and the dialog says which.
  await row.getByRole("button", { name: "Remove" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("This file is still needed and cannot be removed now:")).toBeVisible();
  await expect(dialog.getByRole("link", { name: "Restore #1", exact: true })).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Remove" })).toBeDisabled();
  await looksRight(page);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await row.getByRole("link", { name: "3.6.14-mixed.db" }).click();
  await page.getByRole("link", { name: "All 120 plans" }).click();
  await expect(page).toHaveURL(/\/plans\?input=/);
  await expect(page.getByRole("navigation", { name: "Pagination" })).toContainText("1 to 50 of 120 plans");
});

test("files are found and put in order beyond the first page", async ({ page, server }) => {
  sql(
    server,
    `${numbers(70)} INSERT INTO files (id, name, size, uploaded_ms, uploaded_by, origin, cluster, kind, trust, headline_json,
     headline_text, inspection_json) SELECT 'id' || i, 'copy-' || (100 + i) || '.db', size + i, uploaded_ms - i,
     uploaded_by, origin, cluster, kind, trust, headline_json, headline_text, inspection_json FROM files, n`,
  );
  await page.goto("/files");
  const pages = page.getByRole("navigation", { name: "Pagination" });
  await expect(pages).toContainText("1 to 50 of 71 files");
  await looksRight(page);
  await scans(page);
  await page.getByRole("button", { name: "Size" }).click();
  await page.getByRole("button", { name: "Size" }).click();
  await expect(page.getByRole("row").nth(1)).toContainText("copy-170.db");
  await pages.getByRole("link", { name: "Next page" }).click();
  await expect(pages).toContainText("51 to 71 of 71 files");
  await expect(page.getByRole("row").last()).toContainText("3.6.14-mixed.db");

  // Whoever types stays in the field while the rows come.
  const field = page.getByLabel("Search files: name, kind, SHA-256, person");
  await field.pressSequentially("COPY-1 16", { delay: 30 });
  await expect(pages).toContainText("11 files");
  await expect(field).toBeFocused();
  await expect(field).toHaveValue("COPY-1 16");
  await field.fill("nothing has this name");
  await expect(page.getByText("No files match the search “nothing has this name”.")).toBeVisible();
});

test("jobs are listed page by page", async ({ page, server }) => {
  sql(
    server,
    `${numbers(60)} INSERT INTO jobs (id, plan_id, started_by, created_ms, over, cluster, title, state, sentence,
     updated_ms, ended_ms, steps_done, steps_total, digest_json, number, file_names, headline_json, target) SELECT 'job' || i, plans.id, author, sealed_ms, 1,
     cluster, outcome, CASE WHEN i % 10 = 0 THEN 'undone' ELSE 'completed' END, 'Done.', sealed_ms, sealed_ms, 9, 9, '-',
     number, file_names, headline_json, target FROM n JOIN plans ON plans.id = 'plan' || i`,
  );
  await page.goto("/jobs");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("No running jobs");
  const pages = page.getByRole("navigation", { name: "Pagination" });
  await expect(pages).toContainText("1 to 50 of 60 jobs");
  await looksRight(page);
  await scans(page);
  await pages.getByRole("link", { name: "Next page" }).click();
  await expect(pages).toContainText("51 to 60 of 60 jobs");
  await page.getByRole("combobox", { name: "State" }).selectOption("undone");
  await expect(pages).toContainText("6 jobs");
  await page.goto("/jobs?q=nobody");
  await expect(page.getByText("No jobs match the search “nobody”.")).toBeVisible();
  await page.getByRole("link", { name: "Clear filters" }).click();
  await page.getByLabel("Search jobs: name, id, file, person").fill("prod #1010");
  await expect(pages).toContainText("1 job");
  await expect(page.getByRole("row").nth(1)).toContainText("prod #1010");
});

test("authors see what became of their plans until they dismiss it", async ({ page, server }) => {
  sql(
    server,
    `UPDATE plans SET state = 'rejected', decided_by = 'Ben', decided_ms = sealed_ms + 1000, reason = 'wrong token'
     WHERE id = 'plan4'`,
  );
  await page.goto("/");
  // In the inbox too, where it is new until the panel was opened once.
  await page.getByRole("banner").getByRole("button", { name: /^Inbox: \d+ items, \d+ new outcomes?$/ }).click();
  const inbox = page.getByRole("group", { name: "Inbox" });
  await expect(inbox.getByRole("heading", { name: "Yours" })).toBeVisible();
  await expect(inbox.getByText("new", { exact: true }).first()).toBeVisible();
  await looksRight(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("banner").getByRole("button", { name: /^Inbox: \d+ items$/ })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("banner").getByRole("button", { name: /^Inbox: \d+ items$/ })).toBeVisible();
  const line = page.getByRole("main").getByRole("listitem").filter({ hasText: "prod #1004" });
  await expect(line).toContainText("rejected");
  await expect(line).toContainText("by Ben: wrong token");
  await looksRight(page);
  await line.getByRole("button", { name: "Dismiss" }).click();
  await expect(line).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Recent activity" })).toBeVisible();
  await expect(line).toHaveCount(0);
});

test("who may not upload is not told to", async ({ page, server, browser }) => {
  await page.goto("/");
  const vic = (await person(browser, server, page, "Vic", ["viewer"])).page;
  await expect(vic.getByRole("heading", { level: 1 })).toHaveText("You're all caught up");
  // What others uploaded is among the recent acts.
  await expect(vic.locator('a[href^="/files"]').filter({ hasText: /Upload/ })).toHaveCount(0);
  await vic.goto("/files");
  await expect(vic.getByRole("row").nth(1)).toBeVisible();
  await expect(vic.getByRole("button", { name: /click to browse|Remove/ })).toHaveCount(0);
});

test("the ledger, people and tokens are scanned on a phone too", async ({ page, server, browser }) => {
  await page.goto("/ledger");
  await expect(page.getByRole("row").nth(1)).toBeVisible();
  await scans(page);
  await looksRight(page);

  await page.goto("/");
  await person(browser, server, page, "Oli", ["operator@prod", "approver@staging", "viewer"]);
  await page.goto("/settings/people");
  await expect(page.getByRole("row").filter({ hasText: "Oli" })).toBeVisible();
  await scans(page);
  await looksRight(page);

  await page.goto("/settings/tokens");
  await page.getByRole("button", { name: "Create token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Purpose").fill("nightly check of all snapshots");
  await dialog.getByRole("checkbox", { name: "viewer" }).check();
  await dialog.getByLabel("Expires after (days)").fill("7");
  await dialog.getByRole("button", { name: "Create token" }).click();
  await page.goto("/settings/tokens?tab=everybody");
  await expect(page.getByRole("row").filter({ hasText: "nightly check" })).toBeVisible();
  await scans(page);
  await looksRight(page);
});

test("reviews are one line each, and unfold", async ({ page, server }) => {
  sql(
    server,
    `${numbers(24)} INSERT INTO reviews (id, plan_id, broken_by_id, broken_by, broken_ms, reason) SELECT 'review' || i,
     'plan' || i, author_id, author, sealed_ms, 'the store is down and no approver answers' FROM n JOIN plans ON plans.id = 'plan' || i`,
  );
  await page.goto("/reviews");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("24 break-glass overrides need review.");
  await isShort(page, ".reviews > li");
  await looksRight(page);
  const review = page.locator(".reviews > li").filter({ hasText: "prod #1002" });
  await expect(review.getByText("the store is down and no approver answers")).toBeHidden();
  await review.locator("summary").click();
  await expect(review.getByText("the store is down and no approver answers")).toBeVisible();
  await looksRight(page);
});
