// The first administrator, signing in and out; nothing is open to a stranger.
import { NAME, PASSWORD, account, expect, signIn, signInAnew, signOut, test } from "../support/console.ts";
import { looksRight } from "../support/look.ts";
import { Server } from "../support/server.ts";

test("the printed link makes the first administrator, once", async ({ browser }) => {
  const server = await Server.start();
  try {
    const page = await browser.newPage();
    await page.goto(server.setupLink);
    await looksRight(page);
    await page.getByLabel("Name").fill(NAME);
    await page.getByLabel("Password", { exact: true }).fill("short");
    await page.getByRole("button", { name: "Create administrator" }).click();
    await expect(page.getByText(/At least \d+ characters; this has 5/)).toBeVisible();
    await expect(page.getByLabel("Name")).toHaveValue(NAME);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("Password again").fill(`${PASSWORD}x`);
    await page.getByRole("button", { name: "Create administrator" }).click();
    await expect(page.getByText("This differs from the password above.")).toBeVisible();
    await looksRight(page);
    await page.getByLabel("Password again").fill(PASSWORD);
    await page.getByRole("button", { name: "Create administrator" }).click();
    await expect(page).toHaveURL(`${server.url}/`);
    await expect(account(page)).toBeVisible();

    // Somebody else finds the link in a log: it is refused before anything is typed.
    const other = await browser.newPage();
    await other.goto(server.setupLink);
    await expect(other.getByRole("alert")).toContainText("already has an administrator");
    await expect(other.getByLabel("Name")).toHaveCount(0);
    await looksRight(other);
    // Nor does the server take it.
    const taken = await other.request.post(`${server.url}/api/setup`, {
      headers: { origin: server.url },
      data: { token: server.setupLink.split("token=")[1], name: "mallory", password: PASSWORD },
    });
    expect(taken.status()).toBe(403);
  } finally {
    await server.stop();
  }
});

test("a wrong password is refused and what was typed stays", async ({ page, administrator }) => {
  expect(administrator).toBeTruthy();
  await page.goto("/login");
  await looksRight(page);
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue(NAME);
  await looksRight(page);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(account(page)).toBeVisible();
});

test("a stranger is sent to sign in, and from there to where they wanted", async ({ page, administrator }) => {
  expect(administrator).toBeTruthy();
  await page.goto("/files");
  await expect(page).toHaveURL(/\/login\?next=%2Ffiles/);
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/files$/);
});

test("signing out ends the session on the server too", async ({ page, server, administrator }) => {
  await signInAnew(page, administrator);
  const cookies = await page.context().cookies();
  await signOut(page);
  await expect(account(page)).toBeHidden();
  // The old cookie, replayed, is worth nothing.
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const answer = await fetch(`${server.url}/api/session`, { headers: { cookie } });
  expect(answer.status).toBe(401);
});

test("signed in, the frame works by keyboard", async ({ page, administrator }) => {
  await signIn(page, administrator);
  await page.goto("/");
  await expect(account(page)).toBeVisible();
  await looksRight(page);
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await looksRight(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.type("inspect");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/inspect/);
});

test.describe("the rest of the page", () => {
  test.use({ allowed: [/Failed to fetch/] });

  test("the console is fetched when it is needed, and once more where that failed", async ({ page, server }) => {
    const fetched: string[] = [];
    page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
    const later = () => fetched.filter((path) => /^\/assets\/split_/.test(path)).length;

    await page.goto(`${server.url}/inspect`);
    await expect(page.getByRole("heading", { level: 1 })).toContainText("Drop a file");
    await page.waitForLoadState("networkidle");
    expect(later()).toBe(0);

    // Nor by the sign-in, until a person begins to type.
    await page.getByRole("banner").getByRole("link", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in to Requorum");
    await page.waitForLoadState("networkidle");
    expect(later()).toBe(0);

    await page.route("**/assets/split_*", (route) => route.abort());
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Help" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("This page could not be fetched.");
    await page.unroute("**/assets/split_*");
    await page.getByRole("button", { name: /again/i }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Help");
  });
});
