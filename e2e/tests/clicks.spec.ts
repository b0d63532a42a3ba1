// How much there is to press between a file in hand and a verified restore, by two people who are signed in.
import { type Page, expect } from "@playwright/test";
import { signIn, test as console } from "../support/console.ts";
import { fixture } from "../support/files.ts";
import { person } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { checked, finished, isStored, verification } from "../support/wizard.ts";

/** What a recovery may take, of both people together. */
const MOST_CLICKS = 6;

// A server of this file's own: nothing else waits in the approver's inbox.
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

/** Notes in `clicks` every real click that chooses something, on each page that `page` comes to. */
async function counted(page: Page, who: string, clicks: string[]): Promise<void> {
  await page.exposeFunction("clicked", (what: string) => clicks.push(`${who}: ${what}`));
  await page.addInitScript(() => {
    // To write in a field chooses nothing. A click on a label arrives once more, at its input.
    const text = ["text", "url", "number", "search", "password"].map((type) => `[type=${type}]`).join(", ");
    const chooses = `a, button, summary, select, [role="button"], input:not(:is(${text}))`;
    const note = (event: Event) => {
      const chosen = event.isTrusted && (event.target as Element).closest(chooses);
      if (chosen) (globalThis as any).clicked(chosen.getAttribute("aria-label") ?? chosen.textContent?.trim());
    };
    addEventListener("click", note, true);
  });
}

test("from a file in hand to a verified restore, two people press little", async ({ page, server, browser, administrator }) => {
  await signIn(page, administrator);
  await page.goto("/");
  const ben = (await person(browser, server, page, "Ben", ["approver"])).page;
  const clicks: string[] = [];
  await counted(page, "author", clicks);
  await counted(ben, "approver", clicks);
  await ben.goto("/");
  await expect(ben.getByRole("heading", { level: 1 })).toHaveText("You're all caught up");

  await page.goto("/files");
  const file = await fixture("3.5.33-three");
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /click to browse/ }).click();
  await (await chooser).setFiles(file);
  await isStored(page, file.name);
  await page.getByRole("list", { name: "Uploads" }).getByRole("link", { name: "Plan a restore" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(`Restore ${file.name} from revision`);
  // Members, token, version and folder are filled in from the file.
  await checked(page);
  await page.getByRole("button", { name: "Seal plan" }).click();
  await expect(page).toHaveURL(/\/plans\/./);

  await expect(ben.getByRole("heading", { level: 1 })).toHaveText("1 item needs your attention", { timeout: 30_000 });
  await ben.getByRole("main").getByRole("link", { name: /#\d+$/ }).first().click();
  await expect(ben.getByText("Your browser recomputed this plan: same hash, same check.")).toBeVisible();
  await ben.getByRole("button", { name: /^Approve/ }).click();
  await expect(ben.getByText("Approved. Ready to run.").first()).toBeVisible();

  const run = page.getByRole("button", { name: /^Run \d+ steps?/ });
  await expect(run).toBeVisible({ timeout: 30_000 });
  await run.click();
  await expect(page).toHaveURL(/\/jobs\/./);
  await finished(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("3 members are ready. Next: start them");
  await expect(page.getByRole("heading", { name: "Verification" })).toBeVisible();

  globalThis.console.log(`${clicks.length} clicks:\n  ${clicks.map((click) => click.slice(0, 60)).join("\n  ")}`);
  // The counter saw both of them, from the first to the last.
  expect(clicks[0]).toMatch(/^author: .*click to browse/);
  expect(clicks.filter((click) => click.startsWith("approver: ")).at(-1)).toMatch(/^approver: Approve/);
  expect(clicks.at(-1)).toMatch(/^author: Run \d+ steps/);
  expect(clicks.length, clicks.join("\n")).toBeLessThanOrEqual(MOST_CLICKS);
  // A run with the defaults is green throughout: what a raised revision rules out is not among the checks.
  const outcomes = await verification(page);
  for (const [what, outcome] of outcomes) expect(outcome, what).toMatch(/pass/);
  const names = [...outcomes.keys()].join("\n");
  expect(names).toContain("A key can be written and deleted");
  expect(names).not.toContain("HashKV equals the snapshot's");
});
