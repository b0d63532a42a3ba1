// People: invited, given roles, shut out; tokens, sessions, passwords and credentials, each as a person does it.
import { type Browser, type BrowserContext, type Page } from "@playwright/test";
import { NAME, PASSWORD, account, expect, signIn, test } from "../support/console.ts";
import { fixture } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import type { Server } from "../support/server.ts";
import { checked, members, openWizard, upload } from "../support/wizard.ts";

const OTHER_PASSWORD = "staple battery horse correct 8";

test.describe.configure({ timeout: 180_000 });

/** Somebody with a browser of their own. */
type Somebody = { name: string; page: Page; context: BrowserContext };

let count = 0;

/** A name that no other test of this worker has used. */
function fresh(name: string): string {
  count += 1;
  return `${name} ${count}`;
}

/** Invites somebody as the page does, and gives the link. */
async function invite(admin: Page, name: string, roles: string[]): Promise<string> {
  await admin.goto("/settings/people");
  await admin.getByRole("button", { name: "Invite a person" }).click();
  const dialog = admin.getByRole("dialog");
  await dialog.getByLabel("Sign-in name").fill(name);
  for (const role of ["viewer", "operator", "approver", "admin"]) {
    await dialog.getByRole("checkbox", { name: role }).setChecked(roles.includes(role));
  }
  await dialog.getByRole("button", { name: "Create link" }).click();
  const link = admin.locator(".once-value");
  await expect(link).toBeVisible();
  return await link.innerText();
}

/** Joins by the link in a browser of their own. */
async function join(browser: Browser, server: Server, link: string, name: string): Promise<Somebody> {
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  await page.goto(link);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await expect(account(page)).toBeVisible();
  return { name, page, context };
}

/** The cookie of a browser, as it would be stolen. */
async function cookieOf(context: BrowserContext): Promise<string> {
  const cookies = await context.cookies();
  return cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
}

/** A typed call without a page: gRPC-Web with an empty message. Gives the status, from headers or trailers. */
async function call(server: Server, method: string, headers: Record<string, string>): Promise<string> {
  const answer = await fetch(`${server.url}/requorum.v1.${method}`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/grpc-web+proto", origin: server.url },
    body: new Uint8Array(5),
  });
  const inHeaders = answer.headers.get("grpc-status");
  if (inHeaders !== null) return inHeaders;
  const body = Buffer.from(await answer.arrayBuffer()).toString("latin1");
  return /grpc-status:\s*(\d+)/.exec(body)?.[1] ?? "none";
}

const OK = "0";
const PERMISSION_DENIED = "7";
const UNAUTHENTICATED = "16";

test.beforeEach(async ({ page, administrator }) => {
  await signIn(page, administrator);
});

test("a viewer is invited, sees what there is, and reads who can do more", async ({ page, browser, server }) => {
  await upload(page, await fixture("3.6.14-three"));
  await openWizard(page, "3.6.14-three.db");
  await members(page, ["m1=http://127.0.0.1:2380"]);
  await page.getByLabel("A download per member").check();
  await checked(page);
  await page.getByRole("button", { name: "Seal plan" }).click();
  await expect(page).toHaveURL(/\/plans\/./);
  const plan = new URL(page.url()).pathname;

  await page.goto("/settings/people");
  await page.getByRole("button", { name: "Invite a person" }).click();
  await looksRight(page);
  await page.getByRole("button", { name: "Create link" }).click();
  await expect(page.getByText("Enter the name to sign in with.")).toBeVisible();
  await page.keyboard.press("Escape");
  const name = fresh("Vera");
  const link = await invite(page, name, ["viewer"]);
  await looksRight(page);
  await expect(page.getByRole("row").filter({ hasText: name })).toContainText("invited");

  const stranger = await browser.newContext({ baseURL: server.url });
  const joining = await stranger.newPage();
  await joining.goto(link);
  // Who they are and by whom, before a password is typed.
  await expect(joining.getByRole("main")).toContainText(name);
  await expect(joining.getByRole("main")).toContainText(`Link created by${NAME}`);
  await looksRight(joining);
  await joining.getByLabel("Password", { exact: true }).fill("password1234");
  await joining.getByLabel("Password again").fill("password1234");
  await joining.getByRole("button", { name: "Set password and sign in" }).click();
  await expect(joining.getByText(/Too easy to guess/)).toBeVisible();
  await joining.getByLabel("Password", { exact: true }).fill("short");
  await joining.getByRole("button", { name: "Set password and sign in" }).click();
  await expect(joining.getByText(/this has 5/)).toBeVisible();
  await stranger.close();

  const vera = await join(browser, server, link, name);
  await expect(vera.page).toHaveURL(`${server.url}/`);
  await vera.page.goto(plan);
  await expect(vera.page.getByText(/you need the role approver/).first()).toBeVisible();
  await expect(vera.page.getByRole("button", { name: /Approve|Reject|^Run/ })).toHaveCount(0);
  await looksRight(vera.page);
  await vera.page.goto("/files");
  await expect(vera.page.getByText("Uploading files needs the role operator.")).toBeVisible();
  await expect(vera.page.getByRole("button", { name: /click to browse/ })).toHaveCount(0);
  await looksRight(vera.page);
  await vera.page.getByRole("link", { name: "3.6.14-three.db" }).click();
  await expect(vera.page.getByText("Sealing a plan needs the role operator.")).toBeVisible();
  await expect(vera.page.getByRole("link", { name: "Plan a restore" })).toHaveCount(0);
  // A file holds every value of its cluster.
  await expect(vera.page.getByText("Downloading a cluster's keys and values needs the role operator.")).toBeVisible();
  await expect(vera.page.getByRole("link", { name: "Download", exact: true })).toHaveCount(0);
  await looksRight(vera.page);
  await vera.page.goto("/settings");
  await expect(vera.page).toHaveURL(/\/settings\/you$/);
  const sections = vera.page.getByRole("navigation", { name: "Settings" });
  await expect(sections.getByRole("link")).toHaveText(["Profile", "API tokens", "Policies", "About"]);
  await looksRight(vera.page);
  await vera.page.goto("/settings/people");
  await expect(vera.page.getByRole("heading", { level: 1 })).toHaveText(
    "Managing users and roles needs the role admin.",
  );
  await looksRight(vera.page);

  // What the page does not offer, the server does not do.
  const cookie = await cookieOf(vera.context);
  for (const method of ["PlanService/ApprovePlan", "JobService/StartJob", "PeopleService/ListPeople"]) {
    expect(await call(server, method, { cookie }), method).toBe(PERMISSION_DENIED);
  }
  const refused = await fetch(`${server.url}/api/uploads`, {
    method: "POST",
    headers: { cookie, "content-type": "application/json", origin: server.url },
    body: JSON.stringify({ name: "a.db", length: 10 }),
  });
  expect(refused.status).toBe(403);

  // The link is used up, and says what to do.
  await page.goto(link);
  await expect(page.getByRole("alert")).toContainText("This link no longer works");
  await expect(page.getByText(/ask an administrator of this console for a new link/)).toBeVisible();
  await expect(page.getByLabel("Password", { exact: true })).toHaveCount(0);
  await looksRight(page);
  await vera.context.close();
});

test("a role that is given counts without signing in again, and one that is taken too", async ({
  page,
  browser,
  server,
}) => {
  const name = fresh("Olga");
  const olga = await join(browser, server, await invite(page, name, ["viewer"]), name);
  await olga.page.goto("/files");
  await expect(olga.page.getByText("Uploading files needs the role operator.")).toBeVisible();

  await page.goto("/settings/people");
  await page.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${name}: viewer`);
  await looksRight(page);
  const give = page.getByRole("button", { name: "Save roles" });
  await expect(give).toBeDisabled();
  await page.getByRole("checkbox", { name: "operator" }).check();
  await expect(page.getByText(`${name} will also be able to`)).toBeVisible();
  await expect(page.getByText("Upload files, for all clusters")).toBeVisible();
  await page.getByLabel("Clusters of this operator; empty for all").fill("a/b");
  await expect(give).toBeDisabled();
  await looksRight(page);
  await page.getByLabel("Clusters of this operator; empty for all").fill("");
  await give.click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${name}: viewer, operator`);

  // Whoever comes back to the tab sees what holds now.
  await olga.page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect(olga.page.getByRole("button", { name: /click to browse/ })).toBeVisible();

  await page.getByRole("checkbox", { name: "operator" }).uncheck();
  await expect(page.getByText(`${name} will no longer be able to`)).toBeVisible();
  await looksRight(page);
  await give.click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${name}: viewer`);
  await olga.page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect(olga.page.getByText("Uploading files needs the role operator.")).toBeVisible();
  await olga.context.close();
});

test("whoever is disabled is out at once, after what depends on them was shown", async ({ page, browser, server }) => {
  const name = fresh("Dora");
  const dora = await join(browser, server, await invite(page, name, ["operator"]), name);
  const cookie = await cookieOf(dora.context);
  expect(await call(server, "FileService/ListFiles", { cookie })).toBe(OK);

  await page.goto("/settings/people");
  await page.getByRole("link", { name }).click();
  await page.getByRole("button", { name: "Disable account" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("1 session ends at once.");
  await expect(dialog).toContainText("No API tokens.");
  const disable = dialog.getByRole("button", { name: "Disable account" });
  await expect(disable).toBeDisabled();
  await looksRight(page);
  await dialog.getByLabel(/^Type /).fill(name);
  await disable.click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${name} is disabled`);
  await looksRight(page);
  expect(await call(server, "FileService/ListFiles", { cookie })).toBe(UNAUTHENTICATED);
  await dora.page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await expect(dora.page).toHaveURL(/\/login/);

  // Enabled again, the old session stays ended and the password is as it was.
  await page.getByRole("button", { name: "Enable account" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${name}: operator`);
  expect(await call(server, "FileService/ListFiles", { cookie })).toBe(UNAUTHENTICATED);
  await page.getByRole("button", { name: "Create password link" }).click();
  await expect(page.locator(".once-value")).toHaveText(/\/join#token=./);
  await looksRight(page);
  await dora.context.close();
});

test("the only administrator is told why they cannot be disabled", async ({ page }) => {
  await page.goto("/settings/people");
  await expect(page.getByText(new RegExp(`${NAME} is the only .*admin for all clusters`))).toBeVisible();
  await looksRight(page);
  await page.getByRole("link", { name: NAME, exact: true }).click();
  await expect(page.getByText(`${NAME} is the only administrator`)).toBeVisible();
  await expect(page.getByRole("button", { name: "Disable account" })).toHaveCount(0);
  await page.getByRole("checkbox", { name: "admin" }).uncheck();
  await expect(page.getByText("No other active user is admin.")).toBeVisible();
  await page.getByRole("button", { name: "Save roles" }).click();
  await expect(page.getByRole("alert")).toContainText("This is the last administrator of the console.");
  await looksRight(page);
});

test("a token made here opens the API for a program until it is revoked", async ({ page, server }) => {
  await page.goto("/settings/tokens");
  await page.getByRole("button", { name: "Create token" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("checkbox")).toHaveCount(3);
  await dialog.getByRole("button", { name: "Create token" }).click();
  await expect(dialog.getByText(/Give it at least the role viewer/)).toBeVisible();
  await looksRight(page);
  const name = fresh("nightly");
  await dialog.getByLabel("Purpose").fill(name);
  await dialog.getByRole("checkbox", { name: "viewer" }).check();
  await dialog.getByLabel("Expires after (days)").fill("7");
  await dialog.getByRole("button", { name: "Create token" }).click();
  const secret = await page.locator(".once-value").innerText();
  expect(secret).toMatch(/^rq_.{43}$/);
  await page.getByText("Use it over HTTP and gRPC").click();
  await looksRight(page);

  const bearer = { authorization: `Bearer ${secret}` };
  const session = await fetch(`${server.url}/api/session`, { headers: bearer });
  expect(await session.json()).toMatchObject({ name: `${NAME} (${name})`, grants: ["viewer"] });
  expect(await call(server, "FileService/ListFiles", bearer)).toBe(OK);
  expect(await call(server, "PeopleService/ListPeople", bearer)).toBe(PERMISSION_DENIED);

  // Shown once: no reload brings it back.
  await page.reload();
  const row = page.getByRole("row").filter({ hasText: name });
  await expect(row).toContainText("active");
  expect(await page.content()).not.toContain(secret);
  await page.getByRole("link", { name: "Everybody's" }).click();
  await expect(page).toHaveURL(/tab=everybody/);
  await expect(row).toContainText(NAME);
  await looksRight(page);
  await row.getByRole("button", { name: "Revoke" }).click();
  await looksRight(page);
  await page.getByRole("dialog").getByRole("button", { name: "Revoke token" }).click();
  await expect(row).toContainText("revoked");
  expect((await fetch(`${server.url}/api/session`, { headers: bearer })).status).toBe(401);
  expect(await call(server, "FileService/ListFiles", bearer)).toBe(UNAUTHENTICATED);
});

test("one changes one's password and ends one's other sessions", async ({ page, browser, server }) => {
  const name = fresh("Pia");
  const pia = await join(browser, server, await invite(page, name, ["viewer"]), name);
  const elsewhere = async (password: string) => {
    const answer = await fetch(`${server.url}/api/login`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: server.url, "user-agent": "curl/8.5.0" },
      body: JSON.stringify({ name, password }),
    });
    return { status: answer.status, cookie: answer.headers.getSetCookie().map((set) => set.split(";")[0]).join("; ") };
  };
  const first = await elsewhere(PASSWORD);
  const second = await elsewhere(PASSWORD);
  await pia.page.goto("/settings/you");
  await expect(pia.page.getByRole("heading", { level: 1 })).toHaveText(`${name}: viewer`);
  const sessions = pia.page.getByRole("row").filter({ has: pia.page.getByRole("button") });
  await expect(sessions).toHaveCount(3);
  await expect(sessions.filter({ hasText: "this one" })).toHaveCount(1);
  await expect(sessions.filter({ hasText: "curl 8.5.0" })).toHaveCount(2);
  await looksRight(pia.page);
  await sessions.filter({ hasText: "curl" }).first().getByRole("button").click();
  await expect(sessions).toHaveCount(2);
  await pia.page.getByRole("button", { name: "End the 1 other session" }).click();
  await expect(sessions).toHaveCount(1);
  for (const { cookie } of [first, second]) {
    const answer = await fetch(`${server.url}/api/session`, { headers: { cookie } });
    expect(answer.status).toBe(401);
  }

  const change = async (current: string, next: string) => {
    await pia.page.getByLabel("Current password").fill(current);
    await pia.page.getByLabel("New password", { exact: true }).fill(next);
    await pia.page.getByLabel("New password again").fill(next);
    await pia.page.getByRole("button", { name: "Change password" }).click();
  };
  const third = await elsewhere(PASSWORD);
  await change("not the password", OTHER_PASSWORD);
  await expect(pia.page.getByRole("alert")).toContainText("This is not your current password.");
  await looksRight(pia.page);
  await change(PASSWORD, OTHER_PASSWORD);
  await expect(pia.page.getByText("Password changed.")).toBeVisible();
  await expect(pia.page.getByLabel("Current password")).toHaveValue("");
  const answer = await fetch(`${server.url}/api/session`, { headers: { cookie: third.cookie } });
  expect(answer.status).toBe(401);
  expect((await elsewhere(PASSWORD)).status).toBe(401);
  expect((await elsewhere(OTHER_PASSWORD)).status).toBe(200);
  await pia.context.close();
});

test("a credential goes in and never comes out", async ({ page }) => {
  const marker = "marker-Zq7-value-that-must-not-show";
  const bodies: Promise<string>[] = [];
  page.on("response", (response) => {
    bodies.push(response.body().then((body) => body.toString("latin1"), () => ""));
  });
  await page.goto("/settings/secrets");
  await expect(page.getByText("Encrypted with master key")).toBeVisible();
  await looksRight(page);
  await page.getByRole("button", { name: "Add credential" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Value").fill(marker);
  await dialog.getByRole("button", { name: "Add credential" }).click();
  await expect(dialog.getByText(/Enter a name that says what it is for/)).toBeVisible();
  await looksRight(page);
  const name = fresh("prod-etcd root");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Kind").selectOption("private key");
  await dialog.getByRole("button", { name: "Add credential" }).click();
  const row = page.getByRole("row").filter({ hasText: name });
  await expect(row).toContainText("private key");
  await looksRight(page);

  await row.getByRole("button", { name: "Replace" }).click();
  await expect(dialog.getByLabel("Name")).toHaveValue(name);
  await expect(dialog.getByLabel("Value")).toHaveValue("");
  await dialog.getByLabel("Value").fill(`${marker}-2`);
  await dialog.getByRole("button", { name: "Replace value" }).click();
  await expect(dialog).toBeHidden();
  await page.reload();
  await expect(row).toBeVisible();
  expect(await page.content()).not.toContain(marker);
  expect((await Promise.all(bodies)).filter((body) => body.includes(marker))).toEqual([]);

  await row.getByRole("button", { name: "Remove" }).click();
  await expect(dialog).toContainText("No open plan and no running job needs it");
  await looksRight(page);
  await dialog.getByLabel(/^Type /).fill(name);
  await dialog.getByRole("button", { name: "Remove credential" }).click();
  await expect(row).toHaveCount(0);
});

test("about says what the console is and what it rests on", async ({ page, server }) => {
  await page.goto("/settings/about");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Requorum \S+, up for /);
  const stores = page.getByRole("table").filter({ hasText: "SQLite" });
  await expect(stores).toContainText(server.dataDir);
  const key = await (await page.request.get("/ledger/key")).text();
  await expect(page.locator(".once-value")).toHaveText(key.trim());
  await looksRight(page);
});
