// Signing in at a real identity provider, through a real browser.
import type { Page } from "@playwright/test";
import { NAME, PASSWORD, account, expect, signOut, test } from "../support/console.ts";
import { looksRight } from "../support/look.ts";
import { IdentityProvider } from "../support/provider.ts";
import { Server } from "../support/server.ts";

/** What the person is called, and what they may do. */
async function session(page: Page): Promise<{ name: string; grants: string[] }> {
  return page.evaluate(async () => (await fetch("/api/session")).json());
}

/** What the server answers when this page announces a file: the effect of the role operator. */
async function announced(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const body = JSON.stringify({ name: "a.db", length: 10 });
    const headers = { "content-type": "application/json" };
    return (await fetch("/api/uploads", { method: "POST", headers, body })).status;
  });
}

/** The console's own cookies: the provider is on the same machine, and cookies know no ports. */
async function ours(page: Page, server: Server) {
  const cookies = await page.context().cookies(server.url);
  return cookies.filter(({ name }) => name.includes("requorum"));
}

/** The provider's own pages: who it is, and that the console may know. */
async function atTheProvider(page: Page, name: string): Promise<void> {
  await page.locator("input[name=login]").fill(name);
  await page.locator("input[name=password]").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}


// Colours and fonts of the provider's pages are its own affair.
test.use({ allowed: [/Content Security Policy/, /fonts\.googleapis/] });

test("the groups at the identity provider are the roles in the console", async ({ page }) => {
  // Many pages, each looked at in four ways.
  test.slow();
  const provider = await IdentityProvider.prepare();
  const server = await Server.start({ args: provider.args, env: provider.env });
  try {
    // While the provider is down, the page says so and everything else works.
    await page.goto(server.setupLink);
    await page.getByLabel("Name").fill(NAME);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("Password again").fill(PASSWORD);
    await page.getByRole("button", { name: "Create administrator" }).click();
    await signOut(page);
    await page.goto(`${server.url}/files`);
    const enter = page.getByRole("link", { name: "Sign in with Example" });
    await expect(enter).toBeVisible();
    await looksRight(page);
    await enter.click();
    await expect(page.getByRole("alert")).toContainText("Example cannot be reached");
    await looksRight(page);
    await page.getByLabel("Name").fill(NAME);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL(`${server.url}/files`);
    await signOut(page);

    // It is back; nobody started the console again.
    await provider.start(server.url);
    await provider.groups({ grace: ["readers", "else"], ben: ["ops"] });
    await page.goto(`${server.url}/files?q=x`);
    await enter.click();
    await expect(page).toHaveURL(new RegExp(`^${provider.issuer}/interaction/`));
    await atTheProvider(page, "grace");
    await expect(page).toHaveURL(`${server.url}/files?q=x`);
    await expect(account(page)).toBeVisible();
    expect(await session(page)).toMatchObject({ name: "grace", grants: ["viewer"] });
    expect(await announced(page), "a viewer uploads nothing").toBe(403);
    const cookies = await ours(page, server);
    const names = cookies.map(({ name }) => name).sort();
    expect(names, "the sign-in's own cookie is used up").toEqual(["requorum", "requorum-device"]);
    for (const cookie of cookies) expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });

    // Other groups, other roles: the provider still knows who it is, and does not ask.
    await signOut(page);
    await provider.groups({ grace: ["ops"], ben: ["ops"] });
    await page.goto(`${server.url}/login`);
    await enter.click();
    await expect(page).toHaveURL(`${server.url}/`);
    expect(await session(page)).toMatchObject({ name: "grace", grants: ["operator"] });
    expect(await announced(page), "an operator does").toBe(201);

    // In no group any more. The session of before is over too.
    const other = await page.context().newPage();
    await provider.groups({ grace: [], ben: ["ops"] });
    await other.goto(`${server.url}/api/oidc/start?next=/jobs`);
    await expect(other.getByRole("alert")).toContainText("none of your groups there has a role");
    await looksRight(other);
    await page.reload();
    await expect(page).toHaveURL(/\/login/);

    // As somebody else: the provider asks again, and the way leads on.
    await other.getByRole("link", { name: "Sign in with Example" }).click();
    await atTheProvider(other, "ben");
    await expect(other).toHaveURL(`${server.url}/jobs`);
    expect(await session(other)).toMatchObject({ name: "ben", grants: ["operator"] });
    await other.close();
  } finally {
    await provider.stop();
    await server.stop();
  }
});

test("a sign-in is worth nothing in another browser", async ({ page, browser }) => {
  const provider = await IdentityProvider.prepare();
  const server = await Server.start({ args: provider.args, env: provider.env });
  try {
    await provider.start(server.url);
    await provider.groups({ mallory: ["admins"] });
    // Mallory signs in, but without the cookie that the sign-in was begun with: the code stays good.
    const mallory = await (await browser.newContext()).newPage();
    let stolen = "";
    mallory.on("request", (request) => {
      if (request.url().includes("/api/oidc/callback?")) stolen = request.url();
    });
    await mallory.goto(`${server.url}/login`);
    await mallory.getByRole("link", { name: "Sign in with Example" }).click();
    await expect(mallory.locator("input[name=login]")).toBeVisible();
    await mallory.context().clearCookies({ name: "requorum-oidc" });
    await atTheProvider(mallory, "mallory");
    await expect(mallory.getByRole("alert")).toContainText("was not started in this browser");
    expect(stolen).toContain("code=");
    // Whoever is lured to that address is not signed in as Mallory.
    await page.goto(stolen);
    await expect(page.getByRole("alert")).toContainText("was not started in this browser");
    expect(await ours(page, server)).toEqual([]);
  } finally {
    await provider.stop();
    await server.stop();
  }
});
