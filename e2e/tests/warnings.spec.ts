// Every kind of warning that a plan can have: it is seen before anything can be approved, and nothing is approved
// before it is read.
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Page, expect } from "@playwright/test";
import { signIn, test as console } from "../support/console.ts";
import { Etcd, freePort } from "../support/etcd.ts";
import { type Given, fixture, given, saidOf, testdata } from "../support/files.ts";
import { looksRight } from "../support/look.ts";
import { call, fields, opened, text, textOf } from "../support/people.ts";
import { Server } from "../support/server.ts";

// A server of this file's own: the administrator is alone on it, and may approve.
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

test.describe.configure({ timeout: 300_000 });

const SCREENS = [
  { width: 1280, height: 800 },
  { width: 360, height: 740 },
];

/** Uploads a file as a program does; gives its SHA-256, which is its id. */
async function put(page: Page, file: Given): Promise<string> {
  const headers = { origin: new URL(page.url()).origin };
  const begun = await page.request.post("/api/uploads", {
    headers,
    data: { name: file.name, length: file.buffer.length, cluster: "", evidence: true },
  });
  expect(begun.ok(), `${file.name}: ${await begun.text()}`).toBe(true);
  const { id } = await begun.json();
  const done = await page.request.patch(`/api/uploads/${id}`, {
    headers: { ...headers, "upload-offset": "0", "content-type": "application/octet-stream" },
    data: file.buffer,
  });
  expect(done.ok(), `${file.name}: ${await done.text()}`).toBe(true);
  return createHash("sha256").update(file.buffer).digest("hex");
}

type Wish = Record<string, unknown>;

let made = 0;

/** Three members under names, URLs and a token that no file here has. */
function wish(snapshot: string, more: Wish = {}): Wish {
  made += 1;
  return {
    snapshot,
    members: [1, 2, 3].map((n) => ({ name: `w${n}`, peer_urls: [`http://10.9.0.${n}:2380`] })),
    token: `warnings-${made}`,
    bump_revision: 1_000_000_000,
    mark_compacted: true,
    skip_hash_check: false,
    target_version: "3.6",
    clean_up: { alarms: false, auth: false, downgrade: false, versions: false },
    target: { kind: "download" },
    ...more,
  };
}

/** Seals a plan; gives its address. */
async function seal(page: Page, request: Wish): Promise<string> {
  const message = Buffer.concat([text(1, "etcd.restore"), text(2, JSON.stringify(request))]);
  const answer = await call(page, "PlanService/SealPlan", message);
  expect(answer.status, `${answer.code} ${answer.body.toString("latin1")}`).toBe("0");
  const plan = fields(opened(answer.body).message).find((one) => one.field === 1)?.bytes ?? Buffer.alloc(0);
  return `/plans/${textOf(plan, 1)}`;
}

/** With the trailer that fits what stands before it. */
function trailed(file: Given, content: Buffer): Given {
  const trailer = createHash("sha256").update(content).digest();
  return { ...file, buffer: Buffer.concat([content, trailer]) };
}

/** One bit of the trailer flipped: the checksum does not match, and all else is as it was. */
function mismatched(file: Given): Given {
  const buffer = Buffer.from(file.buffer);
  const last = buffer.length - 1;
  buffer[last] = (buffer[last] ?? 0) ^ 1;
  return { ...file, name: `mismatch-${file.name}`, buffer };
}

/** Without its trailer, as a copy of member/snap/db is. */
function bare(file: Given): Given {
  return { ...file, name: `bare-${file.name}`, buffer: file.buffer.subarray(0, file.buffer.length - 32) };
}

/** Its newest meta page made unusable, with a checksum that matches all the same. */
function older(file: Given): Given {
  const content = Buffer.from(file.buffer.subarray(0, file.buffer.length - 32));
  const size = content.readUInt32LE(16 + 8);
  const txid = (page: number) => content.readBigUInt64LE(page * size + 16 + 48);
  const newest = txid(0) > txid(1) ? 0 : 1;
  const at = newest * size + 16 + 56;
  content[at] = (content[at] ?? 0) ^ 1;
  return trailed({ ...file, name: `older-${file.name}` }, content);
}

type Own = { peerUrl: string; before: Given; corrupt: Given };

/** The token of the cluster that this file boots. */
const TOKEN = "warnings-of-its-own";
let own: Promise<Own> | undefined;

/** Snapshots of a member that runs here: of which URL and token are known, and of one that raised CORRUPT. */
function ownCluster(): Promise<Own> {
  own ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), "requorum-e2e-warnings-"));
    const peerUrl = `http://127.0.0.1:${await freePort()}`;
    const etcd = await Etcd.boot([{ name: "old", peerUrl, dataDir: join(folder, "old") }], TOKEN);
    try {
      await etcd.put("key", "value");
      const before = given("own-before.db", await etcd.snapshot());
      const url = etcd.clientUrls[0] ?? "";
      const { header } = await etcd.call(url, "maintenance/status", {});
      await etcd.call(url, "maintenance/alarm", { action: "ACTIVATE", memberID: header.member_id, alarm: "CORRUPT" });
      return { peerUrl, before, corrupt: given("own-corrupt.db", await etcd.snapshot()) };
    } finally {
      await etcd.stop();
      await rm(folder, { recursive: true, force: true });
    }
  })();
  return own;
}

type Kind = {
  code: string;
  file: () => Promise<Given>;
  more?: Wish | (() => Promise<Wish>);
  of?: (file: Given) => Given;
};

const versions = { alarms: false, auth: false, downgrade: false, versions: true };
const KINDS: Kind[] = [
  { code: "alarms.active", file: () => fixture("3.6.14-nospace") },
  { code: "auth.enabled", file: () => fixture("3.6.14-auth") },
  {
    code: "auth.disabled",
    file: () => fixture("3.6.14-auth"),
    more: { clean_up: { alarms: false, auth: true, downgrade: false, versions: false } },
  },
  { code: "auth.administration", file: () => testdata("cases/13-no-root.db") },
  { code: "trailer.ignored", file: () => fixture("3.6.14-mixed"), of: mismatched, more: { skip_hash_check: true } },
  { code: "trailer.none", file: () => fixture("3.6.14-mixed"), of: bare, more: { skip_hash_check: true } },
  { code: "meta.fallback", file: () => fixture("3.6.14-mixed"), of: older, more: { accept_older_meta: true } },
  {
    code: "bump.none",
    file: () => testdata("cases/14-k3s-encrypted.db"),
    more: { bump_revision: 0, mark_compacted: false },
  },
  {
    code: "members.even",
    file: () => fixture("3.6.14-mixed"),
    more: { members: [1, 2].map((n) => ({ name: `w${n}`, peer_urls: [`http://10.9.0.${n}:2380`] })) },
  },
  {
    code: "member.url-client-port",
    file: () => fixture("3.6.14-mixed"),
    more: { members: [1, 2, 3].map((n) => ({ name: `w${n}`, peer_urls: [`http://10.9.0.${n}:2379`] })) },
  },
  { code: "token.empty", file: () => fixture("3.6.14-mixed"), more: { token: "" } },
  { code: "token.default", file: () => fixture("3.6.14-mixed"), more: { token: "etcd-cluster" } },
  { code: "token.characters", file: () => fixture("3.6.14-mixed"), more: { token: "a token" } },
  { code: "bump.small", file: () => fixture("3.6.14-mixed"), more: { bump_revision: 10 } },
  {
    code: "member.url-scheme",
    file: () => fixture("3.6.14-mixed"),
    more: { members: [1, 2, 3].map((n) => ({ name: `w${n}`, peer_urls: [`http${n === 1 ? "s" : ""}://10.9.0.${n}:2380`] })) },
  },
  {
    code: "member.url-loopback",
    file: () => fixture("3.6.14-mixed"),
    more: { members: [1, 2, 3].map((n) => ({ name: `w${n}`, peer_urls: [`http://${n === 1 ? "localhost" : `10.9.0.${n}`}:2380`] })) },
  },
  {
    code: "member.name-case",
    file: () => fixture("3.6.14-mixed"),
    more: { members: ["w", "W", "v"].map((name, n) => ({ name, peer_urls: [`http://10.9.0.${n}:2380`] })) },
  },
  { code: "token.space", file: () => fixture("3.6.14-mixed"), more: { token: "a token " } },
  {
    code: "source.older-than-seen",
    file: () => fixture("3.6.14-mixed"),
    more: { last_seen: { revision: "900000", unwatched_seconds: "0", per_hour: "0" } },
  },
  {
    code: "bump.too-small",
    file: () => fixture("3.6.14-mixed"),
    more: { bump_revision: 5_000, last_seen: { revision: "900000", unwatched_seconds: "0", per_hour: "0" } },
  },
  {
    code: "bump.no-margin",
    file: () => fixture("3.6.14-mixed"),
    // The snapshot is the last that was seen, and yet the cluster wrote on for an hour.
    more: async () => {
      const { revision } = Object.values<any>((await saidOf("3.6.14-mixed")).status)[0];
      return {
        bump_revision: 900_000,
        last_seen: { revision: String(revision), unwatched_seconds: "3600", per_hour: "3600000" },
      };
    },
  },
  {
    code: "alarms.corrupt",
    file: async () => (await ownCluster()).corrupt,
    more: { clean_up: { alarms: true, auth: false, downgrade: false, versions: false } },
  },
  {
    code: "members.same-id",
    file: async () => (await ownCluster()).before,
    more: async () => ({ members: [{ name: "new", peer_urls: [(await ownCluster()).peerUrl] }], token: TOKEN }),
  },
  { code: "version.newer-unsupported", file: () => fixture("3.6.14-mixed"), more: { target_version: "3.5" } },
  {
    code: "version.lowered",
    file: () => fixture("3.6.14-mixed"),
    more: { target_version: "3.5", clean_up: versions },
  },
  { code: "downgrade.enabled", file: () => fixture("3.6.14-downgrading") },
];

const approve = (page: Page) => page.getByRole("button", { name: /^Approve/ });
const boxes = (page: Page) => page.getByLabel("I have read this");

/** The card of this kind, and where it is. */
async function card(page: Page, code: string) {
  const found = page.getByRole("listitem").filter({ has: page.getByText(code, { exact: true }) }).first();
  await expect(found).toBeVisible();
  const box = await found.boundingBox();
  const title = await found.getByRole("heading").boundingBox();
  if (!box || !title) throw new Error(`${code}: nothing is drawn`);
  const words = (await found.getByRole("heading").innerText()).trim();
  return { box, title, words };
}

/** Where a person first reads of it: in the list of all warnings where there are several, and otherwise on its card. */
async function firstSeen(page: Page, words: string, title: { y: number; height: number }) {
  const index = page.locator(".risk-index");
  if ((await index.count()) === 0) return title;
  const line = index.getByRole("link").filter({ hasText: words.split("\n")[0] ?? "" });
  await expect(line).toHaveCount(1);
  return (await line.boundingBox()) ?? title;
}

test.beforeEach(async ({ page, administrator }) => {
  await signIn(page, administrator);
  await page.goto("/plans");
});

for (const kind of KINDS) {
  test(`${kind.code} is read before it is approved`, async ({ page }) => {
    const file = await kind.file();
    const more = typeof kind.more === "function" ? await kind.more() : kind.more;
    const address = await seal(page, wish(await put(page, (kind.of ?? ((same: Given) => same))(file)), more));
    for (const screen of SCREENS) {
      await page.setViewportSize(screen);
      await page.goto(address);
      await expect(approve(page)).toBeVisible();
      const where = `${kind.code} at ${screen.width} px`;
      const seen = await card(page, kind.code);
      const bar = await page.getByRole("region", { name: "Decision" }).boundingBox();
      if (!bar) throw new Error("no bar");
      const first = await firstSeen(page, seen.words, seen.title);
      expect(first.y, where).toBeGreaterThan(0);
      expect(first.y + first.height, where).toBeLessThanOrEqual(bar.y);
      const button = await approve(page).boundingBox();
      expect(seen.title.y, where).toBeLessThan(button?.y ?? 0);
      await expect(approve(page), where).toBeDisabled();
      await expect(page.getByText(/\d+ warnings? not read/).first()).toBeVisible();
    }
    const count = await boxes(page).count();
    expect(count).toBeGreaterThan(0);
    for (let at = 0; at < count; at += 1) {
      await expect(approve(page)).toBeDisabled();
      await boxes(page).nth(at).check();
    }
    await expect(approve(page)).toBeEnabled();
    await expect(approve(page)).toHaveText(/^Approve with \d+ accepted warnings?$/);
    // A tick that is taken back counts no more.
    await boxes(page).first().uncheck();
    await expect(approve(page)).toBeDisabled();
    await boxes(page).first().check();
    await approve(page).click();
    await expect(page.getByText("Approved. Ready to run.").first()).toBeVisible();
    await expect(page.getByText(/^Accepted by ada/).first()).toBeVisible();
  });
}

test("a forced checksum and a lost commit are part of the outcome", async ({ page }) => {
  const mixed = await fixture("3.6.14-mixed");
  const cases: [Given, Wish, string][] = [
    [mismatched(mixed), { skip_hash_check: true }, "from a file whose checksum does not match"],
    [bare(mixed), { skip_hash_check: true }, "from a file that no checksum proves"],
    [older(mixed), { accept_older_meta: true }, "from a file whose last commit is lost"],
  ];
  for (const [file, more, says] of cases) {
    await page.goto("/plans");
    await page.goto(await seal(page, wish(await put(page, file), more)));
    const title = page.getByRole("heading", { level: 1 });
    await expect(title).toContainText(says);
    const forced = title.locator("strong");
    await expect(forced).toContainText(says);
    const colour = (of: "color") => forced.evaluate((element, name) => getComputedStyle(element)[name], of);
    const plain = await title.evaluate((element) => getComputedStyle(element).color);
    expect(await colour("color")).not.toBe(plain);
  }
  await looksRight(page);
});

test("several warnings at once: counted, accepted one by one, and the server asks for all", async ({ page }) => {
  const file = mismatched(await fixture("3.6.14-auth"));
  const members = [1, 2].map((n) => ({ name: `w${n}`, peer_urls: [`http://10.9.0.${n}:2379`] }));
  const request = wish(await put(page, file), { skip_hash_check: true, members, token: "etcd-cluster" });
  const address = await seal(page, request);
  await page.goto(address);
  // Both members have the same fault: one card, two warnings.
  await expect(page.getByRole("heading", { name: "6 warnings" })).toBeVisible();
  await expect(boxes(page)).toHaveCount(5);
  await expect(approve(page)).toHaveText("Approve with 6 accepted warnings");
  await looksRight(page);
  await boxes(page).nth(1).check();
  await expect(page.getByText(/^[45] warnings not read/).first()).toBeVisible();
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(boxes(page).first()).toBeFocused();

  // An approval over the API names none of them, or not all.
  const hash = await page.locator(".plan-rail button.id").first().getAttribute("title");
  const named = (...accepted: [string, string][]) =>
    accepted.map(([code, subject]) => {
      const warning = Buffer.concat([text(1, code), text(2, subject)]);
      return Buffer.concat([Buffer.from([(3 << 3) | 2, warning.length]), warning]);
    });
  const say = (...accepted: [string, string][]) =>
    call(
      page,
      "PlanService/ApprovePlan",
      Buffer.concat([text(1, address.split("/").at(-1) ?? ""), text(2, hash ?? ""), ...named(...accepted)]),
    );
  for (const accepted of [[], [["auth.enabled", "authentication"]], [["made.up", "x"]]] as [string, string][][]) {
    const refused = await say(...accepted);
    expect([refused.status, refused.code]).toEqual(["9", "plan.warnings-not-accepted"]);
  }

  // The dialogs, in both themes.
  await page.getByRole("button", { name: "Reject" }).click();
  await looksRight(page);
  await page.getByRole("button", { name: "Cancel" }).click();
  for (const box of await boxes(page).all()) await box.check();
  await page.getByRole("button", { name: "Run without approval" }).click();
  await expect(page.getByRole("button", { name: "Override approval with 6 accepted warnings" })).toBeDisabled();
  await looksRight(page);
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(approve(page)).toBeEnabled();
});

test("the bar never covers what has the focus, and the page is short", async ({ page }) => {
  const address = await seal(page, wish(await put(page, await fixture("3.6.14-auth"))));
  for (const screen of SCREENS) {
    await page.setViewportSize(screen);
    await page.goto(address);
    await expect(approve(page)).toBeVisible();
    if (screen.width === 1280) {
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      expect(height, "the page at 1280 px").toBeLessThan(2_100);
    }
    await boxes(page).first().check();
    for (let tab = 0; tab < 60; tab += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const bar = document.querySelector(".plan-bar")?.getBoundingClientRect();
        const element = document.activeElement;
        if (!element || element === document.body || element.closest(".plan-bar")) return undefined;
        const box = element.getBoundingClientRect();
        // What stands beside it is not under it.
        if (!bar || box.right <= bar.left || box.left >= bar.right) return undefined;
        return { what: element.outerHTML.slice(0, 120), top: box.top, bottom: box.bottom, bar: bar.top };
      });
      if (!at) continue;
      expect(at.top, `${at.what} at ${screen.width} px`).toBeLessThan(at.bar);
      expect(at.bottom, `${at.what} at ${screen.width} px`).toBeLessThanOrEqual(at.bar + 1);
    }
  }
});
