// The way from a file to a finished job, as a person walks it.
import { type Page, expect } from "@playwright/test";
import { type Given, choose } from "./files.ts";

/** Uploads a file and waits until the server has looked at it. */
export async function upload(page: Page, file: Given): Promise<void> {
  await page.goto("/files");
  await choose(page, file);
  const row = page.getByRole("listitem").filter({ hasText: file.name });
  await expect(row.getByText("stored", { exact: true })).toBeVisible();
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
  const paste = page.getByRole("button", { name: "Paste initial-cluster" });
  if ((await paste.getAttribute("aria-expanded")) !== "true") await paste.click();
  await page.getByLabel(/^name=URL/).fill(pairs.join(","));
  await page.getByRole("button", { name: "Take these members" }).click();
}

/** Waits until the server has checked what stands in the form. */
export async function checked(page: Page): Promise<void> {
  await expect(page.getByText("Checked in this browser and by the server.")).toBeVisible();
}

/** Seals, approves and runs, and waits until the job has completed. */
export async function sealApproveRun(page: Page, look: (page: Page) => Promise<void>): Promise<void> {
  await page.getByRole("button", { name: "Seal plan" }).click();
  await expect(page).toHaveURL(/\/plans\/./);
  await expect(page.getByText("Your browser recomputed this plan: same hash.")).toBeVisible();
  await look(page);
  await page.getByRole("button", { name: "Approve this plan" }).click();
  await page.getByRole("button", { name: /^Run \d+ steps?$/ }).click();
  await expect(page).toHaveURL(/\/jobs\/./);
  await expect(page.getByText("Over; nothing more will happen.")).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("heading", { name: "Verification" })).toBeVisible();
  await look(page);
}

/** What the job's verification says: outcome by what must be true. */
export async function verification(page: Page): Promise<Map<string, string>> {
  const table = page.getByRole("table").filter({ hasText: "What was seen" });
  const rows = await table.getByRole("row").filter({ has: page.getByRole("rowheader") }).all();
  const seen = new Map<string, string>();
  for (const row of rows) {
    const name = await row.getByRole("rowheader").innerText();
    seen.set(name, await row.getByRole("cell").first().innerText());
  }
  return seen;
}
