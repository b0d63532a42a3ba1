// What is around every page: menus, palette, the way to a page, times, titles, and addresses that do not exist.
import { type Page, type Request, type Response } from "@playwright/test";
import { NAME, account, expect, signIn, signInAnew, signOut, test } from "../support/console.ts";
import { fixture } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import { answered, bytes, text } from "../support/people.ts";
import { Server } from "../support/server.ts";
import { upload } from "../support/wizard.ts";

/** The sign-in page is shown by this many bytes on the wire, at most. */
const MOST_BYTES = 300 * 1024;

const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const pages = (page: Page) => page.getByRole("navigation", { name: "Pages" });

/** All that fails on the wire, and all that the console calls an error, from now on. */
function troubles(page: Page): string[] {
  const found: string[] = [];
  page.on("requestfailed", (request) => found.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("console", (message) => {
    if (message.type() === "error") found.push(message.text());
  });
  return found;
}

test.describe("a stranger", () => {
  test("sees what this is beside the sign-in, with little on the wire and no error", async ({ page, administrator }) => {
    expect(administrator).toBeTruthy();
    const found = troubles(page);
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    let wire = 0;
    session.on("Network.loadingFinished", (event) => (wire += event.encodedDataLength));
    await page.goto("/");
    await expect(page.getByLabel("Name")).toBeVisible();
    await page.waitForLoadState("networkidle");
    expect(wire).toBeGreaterThan(50_000);
    expect(wire, "bytes until the form is there").toBeLessThanOrEqual(MOST_BYTES);
    await expect(page.getByText(/lost its quorum or its data/)).toBeVisible();
    await expect(page.getByText("no administrator yet")).toHaveCount(0);
    // Only what they can open.
    await expect(pages(page).getByRole("link")).toHaveText(["Inspect", "Help"]);
    await looksRight(page);
    await page.getByRole("link", { name: "Inspect a snapshot" }).click();
    await expect(page).toHaveURL(/\/inspect$/);
    await pages(page).getByRole("link", { name: "Help" }).click();
    await expect(heading(page)).toHaveText("Help");
    await looksRight(page);
    expect(found).toEqual([]);
  });

  test("of a console without an administrator reads where the link is", async ({ browser }) => {
    const server = await Server.start();
    try {
      const page = await browser.newPage();
      await page.goto(`${server.url}/`);
      await expect(page.getByText("This console has no administrator yet.")).toBeVisible();
      await looksRight(page);
      await page.goto(server.setupLink);
      await page.getByLabel("Name").fill(NAME);
      for (const [password, why] of [
        ["password1234", /common words and a sequence/],
        [`${NAME}-${NAME}-${NAME}-1`, /Too easy to guess/],
        ["123456789012", /a sequence/],
      ] as const) {
        await page.getByLabel("Password", { exact: true }).fill(password);
        await page.getByLabel("Password again").fill(password);
        await page.getByRole("button", { name: "Create administrator" }).click();
        await expect(page.getByText(why)).toBeVisible();
        // The server judges by itself.
        const answer = await page.request.post(`${server.url}/api/setup`, {
          headers: { origin: server.url },
          data: { token: server.setupLink.split("token=")[1], name: NAME, password },
        });
        expect([answer.status(), (await answer.json()).code]).toEqual([400, "password.weak"]);
      }
    } finally {
      await server.stop();
    }
  });
});

test.describe("the font", () => {
  test("is the one that is shipped, is fetched once and kept, and its figures line up", async ({ page }) => {
    const fetched: Response[] = [];
    page.on("response", (response) => {
      if (response.url().endsWith(".woff2")) fetched.push(response);
    });
    await page.goto("/login");
    await expect(page.getByLabel("Name")).toBeVisible();
    await page.evaluate(() => document.fonts.ready);
    const state = await page.evaluate(() => ({
      loaded: [...document.fonts].filter((face) => face.status === "loaded").map((face) => face.family),
      checked: ["400", "700"].every((weight) => document.fonts.check(`${weight} 16px Inter`)),
      family: getComputedStyle(document.body).fontFamily,
    }));
    expect(state.loaded).toContain("Inter");
    expect(state.checked).toBe(true);
    expect(state.family).toMatch(/^"?Inter"?,/);
    // The preload and the style sheet name the same file.
    expect(fetched).toHaveLength(1);
    const headers = (await fetched[0]?.allHeaders()) ?? {};
    expect(headers["content-type"]).toBe("font/woff2");
    expect(headers["content-encoding"]).toBeUndefined();
    expect(headers["cache-control"]).toContain("immutable");

    const widths = await page.evaluate(() => {
      const place = document.querySelector("main") ?? document.body;
      const width = (name: string, text: string) => {
        const element = document.createElement(name);
        element.style.setProperty("position", "absolute");
        element.textContent = text;
        place.append(element);
        const { width } = element.getBoundingClientRect();
        element.remove();
        return width;
      };
      const both = (name: string) => [width(name, "1 111:11"), width(name, "2 047:58")];
      const names = ["p", "table"].map((name) => width(name, "etcd-old.db"));
      return { time: both("time"), table: both("table"), dd: both("dd"), prose: both("p"), names };
    });
    for (const name of ["time", "table", "dd"] as const) expect(widths[name][0], name).toBe(widths[name][1]);
    // The font has other figures too: the test can see a difference.
    expect(widths.prose[0]).toBeLessThan((widths.prose[1] ?? 0) - 1);
    // Names look the same everywhere: only figures are tabular.
    expect(widths.names[0]).toBe(widths.names[1]);
  });

  test("moves nothing when it comes late", async ({ page }) => {
    let come = () => {};
    const late = new Promise<void>((resolve) => (come = resolve));
    await page.route("**/*.woff2", async (route) => {
      await late;
      await route.continue();
    });
    await page.goto("/login", { waitUntil: "commit" });
    await expect(page.getByLabel("Name")).toBeVisible();
    await expect(page.getByText(/lost its quorum or its data/)).toBeVisible();
    await page.evaluate(() => {
      (globalThis as any).shifted = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as any[]) (globalThis as any).shifted += entry.value;
      }).observe({ type: "layout-shift" });
    });
    const loaded = () => page.evaluate(() => [...document.fonts].some((face) => face.family === "Inter" && face.status === "loaded"));
    expect(await loaded()).toBe(false);
    come();
    await expect.poll(loaded).toBe(true);
    // What was seen is on its way for a frame.
    await page.waitForTimeout(300);
    expect(await page.evaluate(() => (globalThis as any).shifted)).toBeLessThan(0.05);
  });
});

test("an unknown address is a page for a person and JSON for a program", async ({ page, server, administrator }) => {
  const answer = await page.goto("/nope/at-all");
  expect(answer?.status()).toBe(404);
  await expect(heading(page)).toHaveText("Page not found");
  await looksRight(page);
  const program = await page.request.get("/nope", { headers: { accept: "application/json" } });
  expect([program.status(), program.headers()["content-type"]]).toEqual([401, "application/json"]);
  await signIn(page, administrator);
  await page.goto("/nope");
  await expect(heading(page)).toHaveText("Page not found");
  const known = await page.request.get(`${server.url}/nope`, { headers: { accept: "*/*" } });
  expect([known.status(), (await known.json()).code]).toEqual([404, "route"]);
  // What does not exist is not tried again.
  for (const path of ["/plans/0123456789abcdef0123", "/jobs/0123456789abcdef0123", `/files/${"ab".repeat(32)}`]) {
    await page.goto(path);
    await expect(heading(page)).toHaveText("Page not found");
    await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
  }
});

test("calls that are answered do not look aborted", async ({ page, administrator }) => {
  await signIn(page, administrator);
  const found = troubles(page);
  const calls: string[] = [];
  let open = 0;
  // The ledger is followed for as long as a page is open.
  const isCall = (request: Request) => /\/requorum\.v1\.(?!.*TailEntries)/.test(request.url());
  // What is under way ends with its page: only what is cut off while the page stays counts.
  const cut: string[] = [];
  let leaving = false;
  page.on("request", (request) => (open += Number(isCall(request))));
  page.on("requestfailed", (request) => {
    if (!isCall(request)) return;
    open -= 1;
    if (!leaving) cut.push(request.url());
  });
  page.on("requestfinished", (request) => {
    if (!isCall(request)) return;
    open -= 1;
    calls.push(request.url());
  });
  for (const path of ["/", "/files", "/plans", "/jobs", "/reviews", "/settings/people", "/settings/about"]) {
    leaving = true;
    await page.goto(path, { waitUntil: "commit" });
    leaving = false;
    const before = calls.length;
    await expect(heading(page)).not.toHaveText("Loading");
    // A page asks one thing after another: it is done when nothing is open and nothing follows.
    const quiet = async () => {
      const answered = calls.length;
      await page.waitForTimeout(400);
      return answered > before && calls.length === answered && open === 0;
    };
    await expect.poll(quiet, { message: `${path} asks, and is answered` }).toBe(true);
  }
  expect(calls.length).toBeGreaterThan(8);
  expect(cut).toEqual([]);
  expect(found.filter((text) => !text.includes("/requorum.v1."))).toEqual([]);
});

test.describe("in New York", () => {
  test.use({ timezoneId: "America/New_York" });

  test("times are UTC or local by one switch, which is remembered", async ({ page, administrator }) => {
    await signIn(page, administrator);
    await page.goto("/settings/about");
    const since = page.getByText("Running since").locator("xpath=..").getByRole("time");
    const utc = (await since.innerText()).slice(0, 19);
    await expect(page.getByRole("banner")).toContainText("UTC");
    await account(page).click();
    await page.getByRole("radio", { name: "Local" }).check();
    await expect(page.getByRole("banner")).toContainText(/UTC\u22120[45]:00/);
    await expect(since).not.toContainText(utc);
    const local = (await since.innerText()).slice(0, 19);
    const ahead = Date.parse(`${utc.replace(" ", "T")}Z`) - Date.parse(`${local.replace(" ", "T")}Z`);
    expect([4, 5]).toContain(ahead / 3_600_000);
    await expect(since).toHaveAttribute("title", new RegExp(`${utc} UTC`));
    await page.reload();
    await expect(since).toContainText(local);
    await account(page).click();
    await page.getByRole("radio", { name: "UTC" }).check();
    await expect(since).toContainText(utc);
  });
});

test("the account menu holds the theme, help and the way out", async ({ page, administrator }) => {
  await signIn(page, administrator);
  await page.goto("/");
  await account(page).click();
  const menu = page.getByRole("group", { name: "Account and options" });
  await expect(menu).toContainText(NAME);
  await expect(menu).toContainText("admin");
  await looksRight(page);
  await menu.getByRole("radio", { name: "Dark" }).check();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await menu.getByRole("radio", { name: "System" }).check();
  await page.keyboard.press("Escape");
  await expect(menu).toBeHidden();
  await expect(account(page)).toBeFocused();
  await account(page).click();
  await menu.getByRole("link", { name: "Your profile" }).click();
  await expect(page).toHaveURL(/\/settings\/you$/);
  await expect(menu).toBeHidden();
});

test("a page is read from its heading, and the way to it is above it", async ({ page, administrator }) => {
  await signIn(page, administrator);
  await page.goto("/plans");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await pages(page).getByRole("link", { name: "Jobs" }).click();
  await expect(page).toHaveURL(/\/jobs$/);
  await expect(heading(page)).toBeFocused();
  // By a click, as by the address.
  await pages(page).getByRole("link", { name: "Inspect" }).click();
  await expect(page).toHaveURL(/\/inspect$/);
  await expect(heading(page)).toBeFocused();
  const way = page.getByRole("navigation", { name: "You are here" });
  await expect(way.getByRole("listitem")).toHaveText(["Home", "Inspect"]);
  await page.goBack();
  await expect(page).toHaveURL(/\/jobs$/);
  await page.goto("/settings/people");
  await expect(way.getByRole("listitem")).toHaveText(["Home", "Settings", "People"]);
  await way.getByRole("link", { name: "Settings" }).click();
  await expect(page).toHaveURL(/\/settings\/people$/);
});

test("the palette finds ids, sections and acts, on a phone too", async ({ page, administrator }) => {
  await signIn(page, administrator);
  await upload(page, await fixture("3.6.14-three"));
  const path = await page.getByRole("main").getByRole("link", { name: "3.6.14-three.db" }).first().getAttribute("href");
  const id = path?.split("/").at(-1) ?? "";
  expect(id).toHaveLength(64);

  await page.goto("/");
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Go to" });
  await expect(palette.getByRole("group", { name: "Pages" })).toBeVisible();
  await looksRight(page);
  await page.keyboard.type(id.slice(0, 8));
  await expect(palette.getByRole("option")).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/files/${id}$`));
  await expect(heading(page)).toBeFocused();

  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole("button", { name: "Search" }).click();
  await palette.getByRole("combobox").fill("credentials");
  await palette.getByRole("option", { name: "Credentials" }).click();
  await expect(page).toHaveURL(/\/settings\/secrets$/);
  await page.getByRole("button", { name: "Search" }).click();
  await palette.getByRole("combobox").fill("theme: dark");
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByRole("button", { name: "Search" }).click();
  await palette.getByRole("combobox").fill("no such thing at all");
  await expect(palette.getByText("No results")).toBeVisible();
  await palette.getByRole("combobox").fill(NAME);
  await palette.getByRole("option", { name: NAME }).first().click();
  await expect(page).toHaveURL(/\/settings\/people\/./);
});

test("an id is copied whole by one press", async ({ page, context, administrator }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn(page, administrator);
  await upload(page, await fixture("3.6.14-three"));
  await page.goto("/files");
  const path = await page.getByRole("main").getByRole("link", { name: "3.6.14-three.db" }).first().getAttribute("href");
  await page.goto(path ?? "");
  const id = path?.split("/").at(-1) ?? "";
  await page.getByRole("button", { name: `Copy ${id}` }).first().click();
  await expect(page.getByText("Copied").first()).toBeAttached();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(id);
});

test("what waits is in the title, in the inbox and, where wanted, in a notification", async ({ page, administrator }) => {
  await signInAnew(page, administrator);
  await page.addInitScript(() => {
    const told: string[] = [];
    class Stub {
      static permission = "default";
      static async requestPermission() {
        return (Stub.permission = "granted");
      }
      constructor(title: string, options: { body: string }) {
        told.push(`${title}|${options.body}`);
      }
    }
    Object.assign(globalThis, { Notification: Stub, told });
    Object.defineProperty(document, "hidden", { get: () => Boolean((globalThis as any).away) });
  });
  let items = 0;
  await page.route("**/*/ListInbox", async (route) => {
    const item = (n: number) =>
      bytes(1, Buffer.concat([Buffer.from([1 << 3, 3]), text(2, `plan${n}`), text(3, `Restore prod ${n}`)]));
    const message = Buffer.concat([...Array.from({ length: items }, (_, n) => item(n)), Buffer.from([3 << 3, items])]);
    await answered(route, message);
  });
  await page.route("**/*/ListOutcomes", (route) => answered(route, Buffer.alloc(0)));
  await page.clock.install();
  await page.goto("/settings/about");
  await expect(page.getByRole("banner").getByRole("button", { name: "Inbox", exact: true })).toBeVisible();
  await expect(page).toHaveTitle(/^Requorum/);
  items = 1;
  await page.clock.runFor(16_000);
  await expect(page).toHaveTitle(/^\(1\) Requorum/);
  await page.getByRole("banner").getByRole("button", { name: "Inbox: 1 item" }).click();
  const inbox = page.getByRole("group", { name: "Inbox" });
  await expect(inbox.getByRole("link")).toContainText("Approve or reject");
  await looksRight(page);
  // A row that is read stays where it is while others come and go.
  const first = inbox.getByRole("link").first();
  await first.focus();
  items = 2;
  await page.clock.runFor(16_000);
  await expect(inbox.getByRole("link")).toHaveCount(2);
  await expect(first).toBeFocused();
  items = 1;
  await page.clock.runFor(16_000);
  await expect(inbox.getByRole("link")).toHaveCount(1);
  await expect(first).toBeFocused();
  await inbox.getByRole("link").click();
  await expect(page).toHaveURL(/\/plans\/plan0$/);
  expect(await page.evaluate(() => (globalThis as any).told)).toEqual([]);

  // Only after it was turned on, and only while nobody looks.
  await account(page).click();
  await page.getByRole("checkbox", { name: "Browser notifications" }).check();
  await expect(page.getByText("On: you are notified")).toBeVisible();
  items = 2;
  await page.clock.runFor(16_000);
  await expect(page).toHaveTitle(/^\(2\)/);
  expect(await page.evaluate(() => (globalThis as any).told)).toEqual([]);
  await page.evaluate(() => ((globalThis as any).away = true));
  items = 3;
  await page.clock.runFor(16_000);
  await expect(page).toHaveTitle(/^\(3\)/);
  expect(await page.evaluate(() => (globalThis as any).told)).toEqual([
    "3 items need your attention|Approve or reject: Restore prod 2",
  ]);
  await page.evaluate(() => ((globalThis as any).away = false));
  await page.keyboard.press("Escape");
  await signOut(page);
  await expect(page).toHaveTitle(/^Sign in/);
});

test("what became of one's own plans is in the inbox, new once, and in a notification", async ({ page, administrator }) => {
  await signIn(page, administrator);
  await page.addInitScript(() => {
    const told: string[] = [];
    class Stub {
      static permission = "granted";
      static async requestPermission() {
        return "granted";
      }
      constructor(title: string, options: { body: string }) {
        told.push(`${title}|${options.body}`);
      }
    }
    Object.assign(globalThis, { Notification: Stub, told });
    Object.defineProperty(document, "hidden", { get: () => Boolean((globalThis as any).away) });
  });
  await page.route("**/*/ListInbox", (route) => answered(route, Buffer.alloc(0)));
  /** Rejected at 1000, 2000 ms and so on; a number below 2^14 is in two bytes. */
  const rejected = (n: number) => {
    const at = n * 1_000;
    const fixed = Buffer.from([1 << 3, 2, 7 << 3, (at & 0x7f) | 0x80, at >>> 7]);
    return bytes(1, Buffer.concat([fixed, text(2, `plan${n}`), text(4, `prod #${n}`), text(6, "Ben"), text(8, "wrong token")]));
  };
  let count = 1;
  await page.route("**/*/ListOutcomes", (route) =>
    answered(route, Buffer.concat(Array.from({ length: count }, (_, at) => rejected(count - at)))),
  );
  await page.clock.install();
  await page.goto("/settings/about");
  const banner = page.getByRole("banner");
  await expect(banner.getByRole("button", { name: "Inbox: 1 new outcome", exact: true })).toBeVisible();
  // It waits for no act: the title counts what does.
  await expect(page).toHaveTitle(/^Requorum/);
  await account(page).click();
  await page.getByRole("checkbox", { name: "Browser notifications" }).check();
  await page.keyboard.press("Escape");

  await banner.getByRole("button", { name: "Inbox: 1 new outcome" }).click();
  const inbox = page.getByRole("group", { name: "Inbox" });
  const line = inbox.getByRole("link").filter({ hasText: "prod #1" });
  await expect(line).toContainText("rejected");
  await expect(line).toContainText("by Ben: wrong token");
  await expect(line.getByText("new", { exact: true })).toBeVisible();
  const caughtUp = inbox.getByText("You're all caught up.");
  await expect(caughtUp).toHaveCount(0);
  await looksRight(page);
  await page.keyboard.press("Escape");
  await expect(banner.getByRole("button", { name: "Inbox", exact: true })).toBeVisible();
  await page.reload();
  await banner.getByRole("button", { name: "Inbox", exact: true }).click();
  await expect(caughtUp).toBeVisible();
  await page.keyboard.press("Escape");
  expect(await page.evaluate(() => (globalThis as any).told)).toEqual([]);

  await page.evaluate(() => ((globalThis as any).away = true));
  count = 2;
  await page.clock.runFor(16_000);
  await expect(banner.getByRole("button", { name: "Inbox: 1 new outcome", exact: true })).toBeVisible();
  expect(await page.evaluate(() => (globalThis as any).told)).toEqual(["prod #2: rejected|by Ben: wrong token"]);
  await page.evaluate(() => ((globalThis as any).away = false));
  await banner.getByRole("button", { name: "Inbox: 1 new outcome" }).click();
  await expect(line.getByText("new", { exact: true })).toHaveCount(0);
  await expect(inbox.getByRole("link").filter({ hasText: "prod #2" }).getByText("new", { exact: true })).toBeVisible();
});
