// The demo: what somebody sees who tries the console out.
import { existsSync } from "node:fs";
import { expect, test } from "../support/console.ts";
import { Demo } from "../support/demo.ts";
import { looksRight } from "../support/look.ts";

// Every page is looked at in both themes and at both widths.
test.describe.configure({ timeout: 240_000 });

test("a demo is signed in to, says on each page that it is one, and leaves nothing", async ({ page }) => {
  const demo = await Demo.start();
  try {
    expect(existsSync(demo.folder)).toBe(true);
    const banner = page.getByRole("complementary", { name: "Demo" });
    for (const address of ["/login", "/inspect"]) {
      await page.goto(demo.url + address);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(banner).toBeInViewport();
      await looksRight(page);
    }
    await demo.signIn(page, "priya");
    for (const address of ["/", "/files", "/plans", "/jobs", "/ledger", "/reviews"]) {
      await page.goto(demo.url + address);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(banner).toBeInViewport();
      await expect(page.getByText("Loading", { exact: true })).toHaveCount(0);
      await looksRight(page);
    }
    await page.goto(`${demo.url}/files`);
    for (const name of ["prod-etcd", "prod-etcd-full", "staging-etcd", "staging-etcd-old"]) {
      await expect(page.getByText(new RegExp(`^${name}-\\d{4}-\\d\\d-\\d\\d\\.db$`)).first()).toBeVisible();
    }
  } finally {
    await demo.stop();
  }
  expect(existsSync(demo.folder), "the folder is removed").toBe(false);
});
