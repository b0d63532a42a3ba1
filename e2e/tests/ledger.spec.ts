// Who did what, and that it can be believed: the badge, the list, an entry's proof, and every way to tamper with them.
import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Page, type Route } from "@playwright/test";
import { expect, signIn, test } from "../support/console.ts";
import { fixture } from "../support/files.ts";
import {
  BROKEN,
  UNCHECKED,
  VERIFIED,
  actElsewhere,
  audit,
  badge,
  logIn,
  lookAgain,
  setUp,
  signOutElsewhere,
  size,
  sql,
  tamper,
} from "../support/ledger.ts";
import { looksRight } from "../support/look.ts";
import { Server } from "../support/server.ts";
import { upload } from "../support/wizard.ts";

const GLANCES = /LedgerService\/(GetLedger|ProveConsistency)$/;

/** The first heading of the page. */
const headline = (page: Page) => page.getByRole("heading", { level: 1 });

/** The loud word. */
const alarm = (page: Page) => page.getByRole("alert").filter({ hasText: "Do not trust this console's ledger." });

test.describe("a console that others use too", () => {
  test.beforeEach(async ({ page, administrator }) => signIn(page, administrator));

  test("the badge is on every page, and verified again after acts", async ({ page }) => {
    await page.goto("/");
    await expect(badge(page)).toHaveText(/^ledger (first seen|verified) \d\d:\d\d$/);
    await upload(page, await fixture("3.5.33-mixed"));
    await expect(badge(page)).toHaveText(VERIFIED);
    for (const path of ["/", "/inspect", "/plans", "/jobs", "/settings", "/ledger"]) {
      await page.goto(path);
      await expect(badge(page), path).toHaveText(VERIFIED);
    }
    await badge(page).click();
    await expect(page).toHaveURL(/\/ledger\/verification$/);
    await expect(headline(page)).toContainText(/^Ledger verified: \d+ entries/);
    // A stranger sees none.
    await page.context().clearCookies();
    await page.goto("/inspect");
    await expect(headline(page)).toBeVisible();
    await expect(badge(page)).toBeHidden();
  });

  test("the ledger lists acts with their outcome, newest first, and every entry", async ({ page }) => {
    await page.goto("/ledger");
    await expect(headline(page)).toHaveText(/; first seen by this browser, and verified\.$/);
    await page.reload();
    await expect(headline(page)).toHaveText(/^\d+ entries since \d{4}-\d\d-\d\d; this browser verified them at \d\d:\d\d\.$/);
    const setup = page.getByRole("row").filter({ hasText: "Create the first administrator" });
    await expect(setup.getByText("done")).toBeVisible();
    await looksRight(page);

    // The act, and the entry that closes it.
    await setup.getByRole("link").first().click();
    await expect(page).toHaveURL(/\/ledger\/1$/);
    await expect(page.getByText("pass", { exact: true })).toHaveCount(3);
    await expect(page.getByText(/"act":"setup".*"phase":"opened"/)).toBeVisible();
    await expect(page.getByRole("list", { name: "From the root down to the entry" })).toContainText("entry 1");
    await looksRight(page);
    await page.getByRole("link", { name: "closed by entry 2" }).click();
    await expect(page).toHaveURL(/\/ledger\/2$/);
    await expect(page.getByRole("link", { name: "closes entry 1" })).toBeVisible();
    await page.goto("/ledger/99999");
    await expect(page.getByText("The ledger has no entry 99999")).toBeVisible();
  });

  test("new acts come in live, and wait behind a button while a person reads", async ({ page, browser, server }) => {
    await page.goto("/ledger");
    await expect(page.getByText("Live: new entries appear")).toBeVisible();
    const before = await page.getByRole("row").count();
    await actElsewhere(browser, server);
    await expect(page.getByRole("row")).toHaveCount(before + 1);
    await expect(page.getByRole("row").nth(1)).toContainText("Sign in");
    // With the focus in the list, nothing moves.
    await page.getByRole("row").nth(1).getByRole("link").first().focus();
    await actElsewhere(browser, server);
    await actElsewhere(browser, server, "nobody-of-this-name");
    await expect(page.getByRole("button", { name: "2 new" })).toBeVisible();
    await expect(page.getByRole("row")).toHaveCount(before + 1);
    await page.getByRole("button", { name: "2 new" }).click();
    await expect(page.getByRole("row")).toHaveCount(before + 3);
    await expect(page.getByRole("row").nth(1)).toContainText("refused");
    await expect(badge(page)).toHaveText(VERIFIED);
  });

  test("what is looked for is in the address", async ({ page, server }) => {
    await page.goto("/ledger");
    await page.getByText("Filter", { exact: true }).click();
    await page.getByLabel("Act", { exact: true }).selectOption("setup");
    await expect(page).toHaveURL(/\/ledger\?act=setup$/);
    await expect(page.getByRole("row")).toHaveCount(2);
    await page.getByLabel("From (UTC)").fill("yesterday");
    await expect(page.getByText("Not a time")).toBeVisible();
    await looksRight(page);
    await page.getByLabel("From (UTC)").fill("2999-01-01");
    await page.getByRole("button", { name: "Show these" }).click();
    await expect(page.getByText("No entries match these filters.")).toBeVisible();
    await page.reload();
    await expect(page.getByLabel("From (UTC)")).toHaveValue("2999-01-01");
    await page.getByRole("link", { name: "Show all" }).click();
    await expect(page).toHaveURL(`${server.url}/ledger`);
  });

  test("acts are found by how they came out, and come in live when they did", async ({ page, browser, server }) => {
    await actElsewhere(browser, server, "nobody-of-this-name");
    await page.goto("/ledger");
    await page.getByText("Filter", { exact: true }).click();
    const outcome = page.getByLabel("Outcome", { exact: true });
    await outcome.selectOption("refused");
    await expect(page).toHaveURL(/\/ledger\?outcome=refused$/);
    await expect(page.getByText("Filter: outcome refused")).toBeVisible();
    const rows = page.getByRole("table").locator("tbody tr");
    await expect(rows.first()).toContainText("Sign in");
    const refused = await rows.count();
    await expect(rows.filter({ hasText: "refused" })).toHaveCount(refused);
    await looksRight(page);
    // A sign-in that was done is none of these; one that was refused is.
    await expect(page.getByText("Live: new entries appear")).toBeVisible();
    await actElsewhere(browser, server);
    await actElsewhere(browser, server, "nobody-of-this-name");
    await expect(rows).toHaveCount(refused + 1);
    await expect(rows.filter({ hasText: "refused" })).toHaveCount(refused + 1);

    // The address keeps it, with the other filters.
    await page.reload();
    await expect(outcome).toHaveValue("refused");
    await expect(rows).toHaveCount(refused + 1);
    await page.getByLabel("Act", { exact: true }).selectOption("setup");
    await expect(page).toHaveURL(/\/ledger\?act=setup&outcome=refused$/);
    await expect(page.getByText("No entries match these filters.")).toBeVisible();
    await outcome.selectOption("done");
    await expect(rows).toHaveCount(1);
    await expect(rows.first()).toContainText("Create the first administrator");

    // What ends by another entry comes in with its end.
    await page.goto("/ledger?act=logout&outcome=done");
    await expect(page.getByText("Live: new entries appear")).toBeVisible();
    const before = await rows.count();
    await signOutElsewhere(browser, server);
    await expect(rows).toHaveCount(before + 1);
    await expect(rows.first()).toContainText("Sign out");

    // The export has both entries of an act.
    await page.goto("/ledger?act=setup&outcome=done");
    await page.getByText("Export", { exact: true }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Filtered entries as JSON Lines" }).click();
    const lines = (await readFile(await (await download).path(), "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).phase)).toEqual(["opened", "closed"]);
    await expect(page.getByText(/^2 entries written to/)).toBeVisible();

    // A word that is no outcome does not show all of them.
    await page.goto("/ledger?outcome=good");
    await expect(page.getByText("is not a known outcome of an act", { exact: false })).toBeVisible();
  });

  test.describe("in New York", () => {
    test.use({ timezoneId: "America/New_York" });

    test("moments are typed in the zone that times are shown in, and are UTC in the address", async ({ page }) => {
      await page.goto("/ledger");
      await page.getByRole("banner").getByRole("button", { name: /^Account/ }).click();
      await page.getByRole("radio", { name: "Local" }).check();
      await page.keyboard.press("Escape");
      await page.getByText("Filter", { exact: true }).click();
      await page.getByLabel("From (local time)").fill("2026-01-21T09:02");
      await page.getByRole("button", { name: "Show these" }).click();
      // Five hours behind UTC in winter.
      await expect(page).toHaveURL(/\/ledger\?from=2026-01-21T14%3A02%3A00$/);
      await expect(page.getByText("Filter: from 2026-01-21 09:02:00")).toBeVisible();
      await page.reload();
      await expect(page.getByLabel("From (local time)")).toHaveValue("2026-01-21 09:02:00");
      await page.getByLabel("Before (local time)").fill("tomorrow");
      await expect(page.getByText(/Not a time.*in local time\./)).toBeVisible();
      await page.getByLabel("Who", { exact: true }).fill("somebody");
      await page.getByLabel("From (local time)").fill("2026-01-21T10:02");
      await looksRight(page);
      // The other zone shows the moment that was typed, and leaves the rest of what was typed alone.
      await page.getByRole("banner").getByRole("button", { name: /^Account/ }).click();
      await page.getByRole("radio", { name: "UTC" }).check();
      await page.keyboard.press("Escape");
      await expect(page.getByLabel("From (UTC)")).toHaveValue("2026-01-21T15:02:00");
      await expect(page.getByLabel("Before (UTC)")).toHaveValue("tomorrow");
      await expect(page.getByLabel("Who", { exact: true })).toHaveValue("somebody");
    });
  });

  test("what is exported is what the command line exports", async ({ page, server }) => {
    await page.goto("/ledger");
    await expect(page.getByText("Live: new entries appear")).toBeVisible();
    await page.getByText("Export", { exact: true }).click();
    for (const [button, format] of [
      ["Everything as JSON Lines", "jsonl"],
      ["Everything as CSV", "csv"],
    ] as const) {
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: button }).click();
      const file = await download;
      expect(file.suggestedFilename()).toMatch(new RegExp(`^ledger-\\d+\\.${format}$`));
      const text = await readFile(await file.path(), "utf8");
      // Another test may have written in between.
      expect(audit(server, "export", "--format", format).startsWith(text)).toBe(true);
      expect(text.split("\n").length).toBeGreaterThan(3);
    }
    await looksRight(page);
    await page.goto("/ledger?act=setup");
    await page.getByText("Export", { exact: true }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Filtered entries as JSON Lines" }).click();
    const lines = (await readFile(await (await download).path(), "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).phase)).toEqual(["opened", "closed"]);
    await expect(page.getByText(/2 entries written to ledger-\d+\.jsonl; all \d+ of the ledger add up/)).toBeVisible();
  });

  test("everything is verified on request, and the key is shown with its origin", async ({ page, server }) => {
    await page.goto("/ledger/verification");
    await expect(headline(page)).toContainText(/verified|first saw/);
    await page.getByRole("button", { name: "Verify everything" }).click();
    await expect(page.getByText("all entries verified")).toBeVisible();
    await expect(page.getByText(/\d+ entries read and verified in/)).toBeVisible();
    await expect(page.getByText(`at ${server.url}, when the ledger had`)).toBeVisible();
    const key = /requorum\/ledger\/\S+/.exec(await page.getByText(/^requorum\/ledger\/\S+\+\S+$/).innerText());
    expect(await page.evaluate(async () => (await fetch("/ledger/key")).text())).toBe(`${key?.[0]}\n`);
    await looksRight(page);
  });
});

/** A console of the test's own, with its administrator on `page`. */
async function own(page: Page): Promise<Server> {
  const server = await Server.start();
  await setUp(page, server);
  return server;
}

/** Has the page see some acts, and verify them. */
async function seeActs(page: Page, server: Server, browser: Parameters<typeof actElsewhere>[0], acts = 3): Promise<void> {
  for (let act = 0; act < acts; act++) await actElsewhere(browser, server);
  await page.goto(`${server.url}/ledger/verification`);
  await expect(headline(page)).toContainText(`Ledger verified: ${size(server)} entries`);
  await expect(page.getByText("all entries verified")).toBeVisible();
}

test("a clean restart stays verified", async ({ page, browser }) => {
  const server = await own(page);
  try {
    await seeActs(page, server, browser);
    await server.kill();
    await lookAgain(page);
    await expect(badge(page)).toHaveText(UNCHECKED);
    await expect(alarm(page)).toBeHidden();
    await looksRight(page);
    await server.restart();
    await lookAgain(page);
    await expect(badge(page)).toHaveText(VERIFIED);
    await page.reload();
    await expect(badge(page)).toHaveText(VERIFIED);
  } finally {
    await server.stop();
  }
});

test("rolled back: the last entries deleted, with an old checkpoint put back", async ({ page, browser }) => {
  const server = await own(page);
  try {
    const before = size(server);
    await seeActs(page, server, browser);
    await server.kill();
    tamper(
      server,
      `DELETE FROM ledger_entries WHERE idx >= ${before}`,
      `DELETE FROM ledger_checkpoints WHERE size > ${before}`,
    );
    await server.restart();
    await page.goto(`${server.url}/jobs`);
    await expect(badge(page)).toHaveText(BROKEN);
    await expect(alarm(page)).toContainText(/The ledger was cut off: it had \d+ entries when it was last seen, and now has/);
    await looksRight(page, { tampered: true });
    await badge(page).click();
    await expect(headline(page)).toHaveText("Do not trust this ledger.");
    await looksRight(page, { tampered: true });
    await page.goto(`${server.url}/ledger`);
    await expect(headline(page)).toHaveText("Do not trust this ledger.");
    await looksRight(page, { tampered: true });
    // A reload forgets nothing.
    await page.reload();
    await expect(badge(page)).toHaveText(BROKEN);
  } finally {
    await server.stop();
  }
});

test("an edited row is named, and a clock that went back is shown", async ({ page, browser }) => {
  const server = await own(page);
  try {
    await seeActs(page, server, browser);
    await server.kill();
    const last = size(server) - 1;
    // A year from now: what is written next finds the clock behind.
    tamper(
      server,
      `UPDATE ledger_entries SET canonical = CAST(replace(CAST(canonical AS TEXT), '"at_ms":1', '"at_ms":2') AS BLOB) WHERE idx = ${last}`,
    );
    await server.restart();
    await actElsewhere(browser, server);
    await page.goto(`${server.url}/ledger`);
    await expect(badge(page)).toHaveText(BROKEN);
    await expect(alarm(page)).toContainText(`Entry ${last} was changed after it was written`);
    await expect(page.getByText(/clock set back by/)).toBeVisible();
    await page.goto(`${server.url}/ledger/${last}`);
    await expect(page.getByText("fail", { exact: true }).first()).toBeVisible();
    await expect(page.getByText("computed here; differs from the checkpoint")).toBeVisible();
    await looksRight(page, { tampered: true });
    await page.goto(`${server.url}/ledger`);
    await page.getByText("Export", { exact: true }).click();
    await page.getByRole("button", { name: "Everything as CSV" }).click();
    await expect(page.getByText("Export stopped: the ledger failed verification.")).toBeVisible();
  } finally {
    await server.stop();
  }
});

test("swapped rows are named", async ({ page, browser }) => {
  const server = await own(page);
  try {
    await seeActs(page, server, browser);
    await server.kill();
    const [a, b] = [3, 4].map((idx) => `(SELECT canonical FROM copy WHERE idx = ${idx})`);
    tamper(
      server,
      "CREATE TEMP TABLE copy AS SELECT idx, canonical FROM ledger_entries",
      `UPDATE ledger_entries SET canonical = ${b} WHERE idx = 3`,
      `UPDATE ledger_entries SET canonical = ${a} WHERE idx = 4`,
    );
    await server.restart();
    await page.goto(`${server.url}/`);
    await expect(badge(page)).toHaveText(BROKEN);
    await expect(alarm(page)).toContainText("entry 4 is in the place of entry 3");
  } finally {
    await server.stop();
  }
});

test("where the tree itself is changed, the server refuses every act and the badge is red", async ({ page, browser }) => {
  const server = await own(page);
  try {
    await seeActs(page, server, browser);
    await server.kill();
    tamper(server, "UPDATE ledger_entries SET leaf = randomblob(32) WHERE idx = 2");
    await server.restart();
    await page.goto(`${server.url}/files`);
    await expect(badge(page)).toHaveText(BROKEN);
    await expect(alarm(page)).toContainText("The ledger is damaged, and nothing is added to it");
  } finally {
    await server.stop();
  }
});

test("a fork by the same key is found", async ({ page, browser }) => {
  const server = await own(page);
  const copy = `${server.dataDir}-copy`;
  try {
    await server.kill();
    await cp(server.dataDir, copy, { recursive: true });
    await server.restart();
    await page.goto(`${server.url}/`);
    await seeActs(page, server, browser, 2);
    // The other branch goes on differently, and longer.
    await server.kill();
    await rename(server.dataDir, `${server.dataDir}-seen`);
    await rename(copy, server.dataDir);
    await server.restart();
    for (let act = 0; act < 6; act++) await actElsewhere(browser, server);
    await page.goto(`${server.url}/`);
    await expect(badge(page)).toHaveText(BROKEN);
    await expect(alarm(page)).toContainText("it was forked or rewritten");
    await badge(page).click();
    await page.getByRole("button", { name: "Verify everything" }).click();
    await expect(page.getByText(/The ledger was forked: its first \d+ entries are signed and add up/).first()).toBeVisible();
  } finally {
    await server.stop();
    await rm(`${server.dataDir}-seen`, { recursive: true, force: true });
    await rm(copy, { recursive: true, force: true });
  }
});

test("another console at the same address is not taken for this one until a person says so", async ({ page, browser }) => {
  const server = await own(page);
  const other = await Server.start();
  try {
    await seeActs(page, server, browser);
    const old = /requorum\/ledger\/\S+/.exec(audit(server, "verify"))?.[0] ?? "";
    const stranger = await browser.newPage();
    await setUp(stranger, other);
    await stranger.close();
    await other.kill();
    await server.kill();
    await rename(server.dataDir, `${server.dataDir}-first`);
    await cp(other.dataDir, server.dataDir, { recursive: true });
    await server.restart();
    await page.goto(`${server.url}/ledger/verification`);
    await logIn(page);
    await expect(badge(page)).toHaveText(BROKEN);
    await expect(alarm(page)).toContainText("This is another console's ledger, or its key was exchanged");
    await page.goto(`${server.url}/ledger/verification`);
    await expect(page.getByText("The server now shows a different key:")).toBeVisible();
    expect(old).not.toBe("");
    await looksRight(page, { tampered: true });
    await page.getByRole("button", { name: "Trust the new key" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await looksRight(page, { tampered: true });
    await page.getByRole("dialog").getByRole("button", { name: "Trust the new key" }).click();
    await expect(badge(page)).toHaveText(/^ledger (first seen|verified) \d\d:\d\d$/);
    await expect(alarm(page)).toBeHidden();

    // The first console comes back: it is held against what was seen of it.
    await server.kill();
    await rm(server.dataDir, { recursive: true });
    await rename(`${server.dataDir}-first`, server.dataDir);
    await server.restart();
    await page.goto(`${server.url}/ledger/verification`);
    await logIn(page);
    await expect(badge(page)).toHaveText(BROKEN);
  } finally {
    await server.stop();
    await other.stop();
    await rm(`${server.dataDir}-first`, { recursive: true, force: true });
  }
});

test("with a key that was exchanged the server does not start", async ({ page, browser }) => {
  const server = await own(page);
  const other = await Server.start();
  try {
    await seeActs(page, server, browser);
    await server.kill();
    const key = await readFile(join(other.dataDir, "ledger-key"));
    await writeFile(join(server.dataDir, "ledger-key"), key);
    await expect(server.restart()).rejects.toThrow(/signed with another key .* it comes from another console/s);
  } finally {
    await server.stop();
    await other.stop();
  }
});

test("old answers served again are a ledger cut off; the alarm stays when they end", async ({ page, browser }) => {
  const server = await own(page);
  try {
    await page.goto(`${server.url}/ledger/verification`);
    await expect(badge(page)).toHaveText(/^ledger/);
    const kept = new Map<string, { body: Buffer; headers: Record<string, string> }>();
    const keep = async (route: Route) => {
      const answer = await route.fetch();
      kept.set(route.request().url(), { body: await answer.body(), headers: answer.headers() });
      await route.fulfill({ response: answer });
    };
    await page.route(GLANCES, keep);
    await lookAgain(page);
    await expect(async () => expect(kept.size).toBeGreaterThan(0)).toPass();
    await page.unroute(GLANCES, keep);
    await seeActs(page, server, browser);

    await page.route(GLANCES, async (route) => {
      const old = kept.get(route.request().url());
      await (old ? route.fulfill(old) : route.abort());
    });
    await lookAgain(page);
    await expect(badge(page)).toHaveText(BROKEN);
    await expect(alarm(page)).toContainText("The ledger was cut off");

    await page.unroute(GLANCES);
    await lookAgain(page);
    await expect(badge(page)).toHaveText(/^ledger verified \d\d:\d\d, failed \d\d:\d\d$/);
    await looksRight(page, { tampered: true });
    await page.getByRole("button", { name: "I have seen this" }).click();
    await expect(badge(page)).toHaveText(VERIFIED);
  } finally {
    await server.stop();
  }
});

test("answers that are cut off or changed on the way are never good", async ({ page, browser }) => {
  const server = await own(page);
  try {
    await seeActs(page, server, browser);
    const alter = async (change: (body: Buffer) => Buffer) => {
      await page.unroute(GLANCES);
      await page.route(GLANCES, async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, body: change(await answer.body()) });
      });
      await lookAgain(page);
    };
    // Half an answer is no answer.
    await alter((body) => body.subarray(0, body.length >> 1));
    await expect(badge(page)).toHaveText(UNCHECKED);
    await expect(alarm(page)).toBeHidden();
    // Nor is one whose trailers are cut off, although the message before them is whole.
    await page.unroute(GLANCES);
    await lookAgain(page);
    await expect(badge(page)).toHaveText(VERIFIED);
    await alter((body) => body.subarray(0, 5 + body.readUInt32BE(1)));
    await expect(badge(page)).toHaveText(UNCHECKED);
    // Another size in the text that is signed.
    await alter((body) => {
      const entries = String(size(server));
      const other = entries.slice(0, -1) + ((Number(entries.at(-1)) + 1) % 10);
      return Buffer.from(body.toString("latin1").replace(`\n${entries}\n`, `\n${other}\n`), "latin1");
    });
    await expect(badge(page)).toHaveText(BROKEN);
    await expect(alarm(page)).toContainText("its text was changed after it was signed");
    await page.unroute(GLANCES);

    // An entry that is not the one in the tree.
    await page.route(/LedgerService\/ProveEntry$/, async (route) => {
      const answer = await route.fetch();
      const text = (await answer.body()).toString("latin1").replace('"who":"ada"', '"who":"eve"');
      await route.fulfill({ response: answer, body: Buffer.from(text, "latin1") });
    });
    await page.goto(`${server.url}/ledger/2`);
    await expect(page.getByText("The proof is invalid")).toBeVisible();
    await expect(page.getByText("computed here; differs from the checkpoint")).toBeVisible();
  } finally {
    await server.stop();
  }
});

test("with a ledger that cannot be written nothing is done, and the page says why", async ({ page, browser }) => {
  const server = await own(page);
  try {
    await seeActs(page, server, browser);
    sql(
      server,
      "CREATE TRIGGER full BEFORE INSERT ON ledger_entries BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
    );
    await page.goto(`${server.url}/files`);
    await page.locator("input[type=file]").setInputFiles(await fixture("3.5.33-mixed"));
    await expect(page.getByText(/This was not done, because every act is recorded in the ledger first/).first()).toBeVisible();
    const halted = page.getByRole("alert").filter({ hasText: "Read-only for now." });
    await expect(halted).toContainText("disk is full");
    await expect(badge(page)).toHaveText(VERIFIED);
    await looksRight(page, { tampered: true });
    sql(server, "DROP TRIGGER full");
    await actElsewhere(browser, server);
    await lookAgain(page);
    await expect(halted).toBeHidden();
  } finally {
    await server.stop();
  }
});
