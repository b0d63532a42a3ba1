// The way from a file to a finished job, as a person walks it.
import { type Page, expect } from "@playwright/test";
import { type Given, choose } from "./files.ts";

/** Uploads a file and waits until the server has looked at it. */
export async function upload(page: Page, file: Given): Promise<void> {
  await page.goto("/files");
  await choose(page, file);
  await isStored(page, file.name);
}

/** Waits until an upload is stored and its verdict is there. */
export async function isStored(page: Page, name: string): Promise<void> {
  const row = page.getByRole("list", { name: "Uploads" }).getByRole("listitem").filter({ hasText: name });
  await expect(row.getByText(/^(verified|unproven|damaged|unknown kind)$/)).toBeVisible();
}

/** Opens the wizard for a snapshot that was just uploaded. */
export async function openWizard(page: Page, name: string): Promise<void> {
  await page.goto("/files");
  await page.getByRole("row").filter({ hasText: name }).getByRole("link", { name }).click();
  await page.getByRole("link", { name: "Plan a restore" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(`Restore ${name} from revision`);
}

/** Replaces the members by `name=url` pairs. */
export async function members(page: Page, pairs: string[]): Promise<void> {
  const paste = page.getByRole("button", { name: "Paste members" });
  if ((await paste.getAttribute("aria-expanded")) !== "true") await paste.click();
  await page.getByLabel(/^name=URL/).fill(pairs.join(","));
  await page.getByRole("button", { name: /^Use (this member|these \d+ members)$/ }).click();
}

/** Waits until the server has checked what stands in the form. */
export async function checked(page: Page): Promise<void> {
  await expect(page.getByText("Checked in this browser and by the server.")).toBeVisible();
}

/** Reads all warnings of the plan that is shown, and approves it. */
export async function approvePlan(page: Page): Promise<void> {
  const approve = page.getByRole("button", { name: /^Approve/ });
  await expect(approve).toBeVisible();
  for (const box of await page.getByLabel("I have read this").all()) await box.check();
  await approve.click();
}

/** Seals, approves and runs, and waits until the job has completed. */
export async function sealApproveRun(page: Page, look: (page: Page) => Promise<void>): Promise<void> {
  await sealApproveStart(page, look);
  await finished(page);
  await expect(page.getByRole("heading", { name: "Verification" })).toBeVisible();
  await look(page);
}

/** Waits until the job of this page is over. */
export async function finished(page: Page): Promise<void> {
  await expect(page.getByText("Finished", { exact: true })).toBeVisible({ timeout: 90_000 });
}

/** Seals, approves and runs, and comes to the job's page. */
export async function sealApproveStart(page: Page, look?: (page: Page) => Promise<void>): Promise<void> {
  await page.getByRole("button", { name: "Seal plan" }).click();
  await expect(page).toHaveURL(/\/plans\/./);
  await expect(page.getByText(/Your browser recomputed this plan: same hash/)).toBeVisible();
  await look?.(page);
  await approvePlan(page);
  await page.getByRole("button", { name: /^Run \d+ steps?/ }).click();
  await expect(page).toHaveURL(/\/jobs\/./);
}

/** What the job's verification says: outcome by what must be true. */
export async function verification(page: Page): Promise<Map<string, string>> {
  const evidence = page.locator("details").filter({ hasText: "Evidence of each check" });
  if (!(await evidence.evaluate((fold: HTMLDetailsElement) => fold.open))) {
    await evidence.getByText("Evidence of each check").click();
  }
  const rows = await evidence.getByRole("row").filter({ has: page.getByRole("rowheader") }).all();
  const seen = new Map<string, string>();
  for (const row of rows) {
    const name = await row.getByRole("rowheader").innerText();
    seen.set(name, await row.getByRole("cell").first().innerText());
  }
  return seen;
}
