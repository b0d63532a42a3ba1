// What every test starts from: a server of its own, and a page whose every complaint fails the test.
import { type Locator, type Page, test as base, expect } from "@playwright/test";
import { Server } from "./server.ts";

export const NAME = "ada";
export const PASSWORD = "correct horse battery staple 9";

type Fixtures = {
  /** Texts of complaints that this test provokes on purpose. */
  allowed: RegExp[];
  complaints: string[];
};

export const test = base.extend<Fixtures, { server: Server; administrator: string }>({
  // One per worker process: its tests share the data, as people do.
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  /** Makes the first administrator, once, as the page does; gives the cookie's value for tests to sign in with. */
  administrator: [
    async ({ server, browser }, use) => {
      const page = await browser.newPage();
      await page.goto(server.setupLink);
      await page.getByLabel("Name").fill(NAME);
      await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await page.getByLabel(/again/i).fill(PASSWORD);
      await page.getByRole("button", { name: /administrator/i }).click();
      await expect(page.getByRole("navigation").first()).toBeVisible();
      await expect(page).toHaveURL(`${server.url}/`);
      const state = JSON.stringify(await page.context().storageState());
      await page.close();
      await use(state);
    },
    { scope: "worker" },
  ],

  baseURL: async ({ server }, use) => use(server.url),
  allowed: [[], { option: true }],
  complaints: [
    async ({ page, allowed }, use) => {
      const complaints: string[] = [];
      await page.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (event) => {
          console.error(`policy: ${event.violatedDirective} refused ${event.blockedURI}`);
        });
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        // The network's own lines name no cause; what follows from them shows on the page.
        const network = message.text().startsWith("Failed to load resource");
        if (message.type() === "error" && !network) complaints.push(message.text());
      });
      await use(complaints);
      const left = complaints.filter((text) => !allowed.some((one) => one.test(text)));
      expect(left, "the page complained").toEqual([]);
    },
    { auto: true },
  ],
});

/** A page that is signed in. */
export async function signIn(page: Page, administrator: string): Promise<void> {
  const { cookies } = JSON.parse(administrator);
  await page.context().addCookies(cookies);
}

/** Signs in by the form: for a test that signs out, which would end the session of the tests after it. */
export async function signInAnew(page: Page, administrator: string): Promise<void> {
  expect(administrator, "there is an administrator").toBeTruthy();
  await page.goto("/login");
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(account(page)).toBeVisible();
}

/** The button of the account menu, which is there for whoever is signed in. */
export function account(page: Page): Locator {
  return page.getByRole("banner").getByRole("button", { name: /^Account/ });
}

/** Signs out by the account menu, and waits until the server has said so. */
export async function signOut(page: Page): Promise<void> {
  await account(page).click();
  await page.getByRole("group", { name: "Account and options" }).getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("banner").getByRole("link", { name: "Sign in" })).toBeVisible();
}

export { expect };
