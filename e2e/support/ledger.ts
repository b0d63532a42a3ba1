// The ledger as tests get at it: its badge, and its rows in the database file, which nobody should touch.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Browser, type Locator, type Page, expect } from "@playwright/test";
import { NAME, PASSWORD, account } from "./console.ts";
import { type Server, built } from "./server.ts";

/** The badge in the corner. */
export function badge(page: Page): Locator {
  return page.getByRole("contentinfo").getByRole("link");
}

export const VERIFIED = /^ledger verified \d\d:\d\d$/;
export const UNCHECKED = /^ledger not checked since \d\d:\d\d$/;
export const BROKEN = "ledger not trusted";

/** Has the page look at the ledger now, as coming back to its tab does. */
export async function lookAgain(page: Page): Promise<void> {
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
}

const RUN = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=10)
rows = [row for sql in sys.argv[2:] for row in database.execute(sql)]
database.commit()
print(rows[-1][0] if rows else "")
`;

/** Runs statements on the server's database; gives the first value of the last row. */
export function sql(server: Server, ...statements: string[]): string {
  const file = join(server.dataDir, "requorum.db");
  return execFileSync("python3", ["-c", RUN, file, ...statements], { encoding: "utf8" }).trim();
}

/** As whoever has the file: the triggers do not stop them. */
export function tamper(server: Server, ...statements: string[]): void {
  sql(
    server,
    "DROP TRIGGER IF EXISTS ledger_entries_are_final",
    "DROP TRIGGER IF EXISTS ledger_entries_stay",
    "DELETE FROM ledger_open",
    ...statements,
  );
}

/** How many entries there are. */
export function size(server: Server): number {
  return Number(sql(server, "SELECT MAX(size) FROM ledger_checkpoints"));
}

/** What `requorum audit …` says of the data directory. */
export function audit(server: Server, ...words: string[]): string {
  const binary = built("REQUORUM_BIN", "the requorum binary");
  const [command, ...rest] = words;
  return execFileSync(binary, ["audit", command ?? "", "--data-dir", server.dataDir, ...rest], {
    encoding: "utf8",
  });
}

/** The first administrator of a console of the test's own, signed in on `page`. */
export async function setUp(page: Page, server: Server): Promise<void> {
  await page.goto(server.setupLink);
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel(/again/i).fill(PASSWORD);
  await page.getByRole("button", { name: /administrator/i }).click();
  await expect(page).toHaveURL(`${server.url}/`);
  await expect(badge(page)).toHaveText(/^ledger (first seen|verified) \d\d:\d\d$/);
}

/** Signs in on a page that asks for it. */
export async function logIn(page: Page): Promise<void> {
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(account(page)).toBeVisible();
}

/** Somebody signs in elsewhere: two attempts more in the ledger, one refused. */
export async function actElsewhere(browser: Browser, server: Server, name = NAME): Promise<void> {
  const context = await browser.newContext();
  const answer = await context.request.post(`${server.url}/api/login`, {
    data: { name, password: PASSWORD },
    headers: { origin: server.url },
  });
  expect([200, 401]).toContain(answer.status());
  await context.close();
}

/** Somebody signs in elsewhere, and out again. */
export async function signOutElsewhere(browser: Browser, server: Server): Promise<void> {
  const context = await browser.newContext();
  const headers = { origin: server.url };
  const login = await context.request.post(`${server.url}/api/login`, { data: { name: NAME, password: PASSWORD }, headers });
  expect(login.status()).toBe(200);
  const logout = await context.request.post(`${server.url}/api/logout`, { headers });
  expect(logout.ok()).toBe(true);
  await context.close();
}
