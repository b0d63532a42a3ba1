// `requorum serve --demo`: a console full of made-up people and their work.
import { type ChildProcess, spawn } from "node:child_process";
import { type Page, expect } from "@playwright/test";
import { built, ended } from "./server.ts";

export class Demo {
  private constructor(
    /** `http://127.0.0.1:…` */
    readonly url: string,
    /** Where all of it is. */
    readonly folder: string,
    private passwords: Map<string, string>,
    private process: ChildProcess,
  ) {}

  /** Starts it on a free port, and waits until it has said whom to sign in as. */
  static async start(...args: string[]): Promise<Demo> {
    const all = ["serve", "--demo", "--listen", "127.0.0.1:0", ...args];
    const child = spawn(built("REQUORUM_BIN", "the requorum binary"), all, { stdio: ["ignore", "pipe", "ignore"] });
    const said = await new Promise<string>((resolve, reject) => {
      let out = "";
      child.stdout.on("data", (chunk: Buffer) => {
        out += chunk;
        if (/victor .*password \S+\n/.test(out)) resolve(out);
      });
      child.on("exit", (code) => reject(new Error(`requorum ended with ${code}:\n${out}`)));
      setTimeout(() => reject(new Error(`the demo does not start:\n${out}`)), 30_000).unref();
    });
    const passwords = new Map<string, string>();
    for (const [, name, password] of said.matchAll(/^ {2}(\w+) .*password (\S+)$/gm)) {
      passwords.set(name ?? "", password ?? "");
    }
    const url = /listening on (\S+)/.exec(said)?.[1] ?? "";
    const folder = /Everything is in (\S+) and/.exec(said)?.[1] ?? "";
    return new Demo(url, folder, passwords, child);
  }

  /** Signs in as one of its people. */
  async signIn(page: Page, name: string): Promise<void> {
    await page.goto(`${this.url}/login`);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password", { exact: true }).fill(this.passwords.get(name) ?? "");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page).toHaveURL(`${this.url}/`);
  }

  async stop(): Promise<void> {
    await ended(this.process, "SIGTERM");
  }
}
