// The demo: what somebody sees who tries the console out.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, test } from "../support/console.ts";
import { looksRight } from "../support/look.ts";
import { built, ended } from "../support/server.ts";

// Every page is looked at in both themes and at both widths.
test.describe.configure({ timeout: 240_000 });

type Demo = { process: ChildProcess; url: string; folder: string; passwords: Map<string, string> };

async function start(): Promise<Demo> {
  const process_ = spawn(built("REQUORUM_BIN", "the requorum binary"), ["serve", "--demo", "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const said = await new Promise<string>((resolve, reject) => {
    let out = "";
    process_.stdout.on("data", (chunk: Buffer) => {
      out += chunk;
      if (/victor .*password \S+\n/.test(out)) resolve(out);
    });
    process_.on("exit", (code) => reject(new Error(`requorum ended with ${code}:\n${out}`)));
    setTimeout(() => reject(new Error(`the demo does not start:\n${out}`)), 30_000).unref();
  });
  const passwords = new Map<string, string>();
  for (const [, name, password] of said.matchAll(/^ {2}(\w+) .*password (\S+)$/gm)) passwords.set(name ?? "", password ?? "");
  return {
    process: process_,
    url: /listening on (\S+)/.exec(said)?.[1] ?? "",
    folder: /Everything is in (\S+) and/.exec(said)?.[1] ?? "",
    passwords,
  };
}

test("a demo is signed in to, says on each page that it is one, and leaves nothing", async ({ page }) => {
  const demo = await start();
  try {
    expect(existsSync(demo.folder)).toBe(true);
    const banner = page.getByRole("complementary", { name: "Demo" });
    for (const address of ["/login", "/inspect"]) {
      await page.goto(demo.url + address);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(banner).toBeInViewport();
      await looksRight(page);
    }
    await page.goto(`${demo.url}/login`);
    await page.getByLabel("Name").fill("priya");
    await page.getByLabel("Password", { exact: true }).fill(demo.passwords.get("priya") ?? "");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page).toHaveURL(`${demo.url}/`);
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
    await ended(demo.process, "SIGTERM");
  }
  expect(existsSync(demo.folder), "the folder is removed").toBe(false);
});
