// Lists that are longer than a page: counted, gone through by keyboard, narrowed and put in order by the server, and
// their place kept in the address.
import { expect } from "@playwright/test";
import { signIn, test as console } from "../support/console.ts";
import { fixture } from "../support/files.ts";
import { sql } from "../support/ledger.ts";
import { looksRight } from "../support/look.ts";
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
    `${numbers(119)} INSERT INTO plans (id, hash, outcome, author_id, author, sealed_ms, expires_ms, state, plan_json,
     cluster, weight) SELECT 'plan' || i, 'hash' || i, 'Copy ' || i, author_id, author, sealed_ms - i,
     expires_ms, CASE WHEN i % 3 = 0 THEN 'invalidated' ELSE 'sealed' END, plan_json,
     CASE WHEN i % 2 = 0 THEN 'prod' ELSE '' END, weight FROM plans, n`,
  );
  sql(
    server,
    `${numbers(119)} INSERT INTO plan_inputs (plan_id, position, kind, id, sealed_ms, cluster) SELECT plans.id, position, kind,
     plan_inputs.id, plans.sealed_ms, plans.cluster FROM n JOIN plans ON plans.id = 'plan' || i
     JOIN plan_inputs ON plan_inputs.plan_id NOT LIKE 'plan%'`,
  );

  await page.goto("/plans");
  // 39 of the copies are invalidated.
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("81 plans wait for approval.");
  const pages = page.getByRole("navigation", { name: "Pagination" });
  await expect(pages).toContainText("1 to 50 of 120 plans");
  await expect(pages.getByRole("link", { name: "First page" })).toHaveCount(0);
  await looksRight(page);

  await pages.getByRole("link", { name: "Next page" }).focus();
  await page.keyboard.press("Enter");
  await expect(pages).toContainText("51 to 100 of 120 plans");
  await expect(page.getByRole("link", { name: "Copy 50", exact: true })).toBeVisible();
  await page.reload();
  await expect(pages, "the address is the place").toContainText("51 to 100 of 120 plans");
  await pages.getByRole("link", { name: "Next page" }).click();
  await expect(pages).toContainText("101 to 120 of 120 plans");
  await expect(pages.getByRole("link", { name: "Next page" })).toHaveCount(0);
  await looksRight(page);
  await page.goBack();
  await expect(pages).toContainText("51 to 100 of 120 plans");

  // What narrows the list begins at its first page, and is kept from page to page.
  await page.getByLabel("State").selectOption({ label: "waits for approval (81)" });
  await expect(pages).toContainText("1 to 50 of 81 plans");
  await page.getByLabel("Cluster").selectOption("prod");
  await expect(pages).toContainText("40 plans");
  expect(new URL(page.url()).search).toBe("?state=sealed&cluster=prod");
  await page.getByLabel("State").selectOption("invalidated");
  await expect(pages).toContainText("19 plans");
  await page.goto("/plans?state=rejected");
  await expect(page.getByText("No plan fits.")).toBeVisible();
  await looksRight(page);
  await page.goto("/plans?after=torn");
  await expect(page.getByText("Begin at the first page", { exact: false })).toBeVisible();
});

test("the inbox counts what is on its other pages", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("81 things wait for you.");
  await expect(page.getByRole("banner").getByText("81 wait for you")).toBeVisible();
  const pages = page.getByRole("navigation", { name: "Pagination" });
  await expect(pages).toContainText("1 to 20 of 81 things");
  await looksRight(page);
  for (const words of ["21 to 40", "41 to 60", "61 to 80", "81 to 81"]) {
    await pages.getByRole("link", { name: "Next page" }).click();
    await expect(pages).toContainText(`${words} of 81 things`);
  }
  await pages.getByRole("link", { name: "First page" }).click();
  await expect(pages).toContainText("1 to 20 of 81 things");
});

test("a snapshot names its newest plans, and the way to all of them", async ({ page }) => {
  await page.goto("/files");
  await page.getByRole("row").getByRole("link", { name: "3.6.14-mixed.db" }).click();
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
  await page.getByRole("button", { name: "Size" }).click();
  await page.getByRole("button", { name: "Size" }).click();
  await expect(page.getByRole("row").nth(1)).toContainText("copy-170.db");
  await pages.getByRole("link", { name: "Next page" }).click();
  await expect(pages).toContainText("51 to 71 of 71 files");
  await expect(page.getByRole("row").last()).toContainText("3.6.14-mixed.db");

  // Whoever types stays in the field while the rows come.
  const field = page.getByLabel("Filter by name, kind, id or trust");
  await field.pressSequentially("COPY-1 16", { delay: 30 });
  await expect(pages).toContainText("11 files");
  await expect(field).toBeFocused();
  await expect(field).toHaveValue("COPY-1 16");
  await field.fill("nothing has this name");
  await expect(page.getByText("No file fits.")).toBeVisible();
});

test("jobs are listed page by page", async ({ page, server }) => {
  sql(
    server,
    `${numbers(60)} INSERT INTO jobs (id, plan_id, started_by, created_ms, over, cluster, title, state, sentence,
     updated_ms, ended_ms, steps_done, steps_total, digest_json) SELECT 'job' || i, plans.id, author, sealed_ms, 1,
     cluster, outcome, CASE WHEN i % 10 = 0 THEN 'undone' ELSE 'completed' END, 'Done.', sealed_ms, sealed_ms, 9, 9, '-'
     FROM n JOIN plans ON plans.id = 'plan' || i`,
  );
  await page.goto("/jobs");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("No job is running.");
  const pages = page.getByRole("navigation", { name: "Pagination" });
  await expect(pages).toContainText("1 to 50 of 60 jobs");
  await looksRight(page);
  await pages.getByRole("link", { name: "Next page" }).click();
  await expect(pages).toContainText("51 to 60 of 60 jobs");
  await page.getByLabel("State").selectOption("undone");
  await expect(pages).toContainText("6 jobs");
});
