// The identity provider that the browser tests sign in at, in a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { type Interface, createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ended } from "./server.ts";

const CLIENT = "requorum";
const SECRET = "a secret/with:odd+characters";

export class IdentityProvider {
  private process: ChildProcess | undefined;
  private lines: Interface | undefined;

  private constructor(private port: number) {}

  /** One that has an address and does not answer yet: the console is to be told of it first. */
  static async prepare(): Promise<IdentityProvider> {
    return new IdentityProvider(await freePort());
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How `requorum serve` is told of it: members of `ops` are operators, those of `readers` viewers. */
  get args(): string[] {
    const roles = ["ops=operator", "readers=viewer", "admins=admin"];
    const named = ["--oidc-issuer", this.issuer, "--oidc-client-id", CLIENT, "--oidc-name", "Example"];
    return [...named, ...roles.flatMap((role) => ["--oidc-role", role])];
  }

  get env(): Record<string, string> {
    return { REQUORUM_OIDC_CLIENT_SECRET: SECRET };
  }

  /** Starts it for the console at `url`. */
  async start(url: string): Promise<void> {
    const program = fileURLToPath(new URL("oidc-provider.mjs", import.meta.url));
    const args = [program, String(this.port), `${url}/api/oidc/callback`, CLIENT, SECRET];
    this.process = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "ignore"] });
    this.lines = createInterface({ input: this.process.stdout! });
    await this.says("listening");
  }

  /** Says who is in which groups from now on. */
  async groups(groups: Record<string, string[]>): Promise<void> {
    const heard = this.says("heard");
    this.process!.stdin!.write(`${JSON.stringify(groups)}\n`);
    await heard;
  }

  async stop(): Promise<void> {
    if (this.process) await ended(this.process, "SIGTERM");
  }

  private says(word: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`the identity provider did not say ${word}`)), 20_000);
      this.lines!.on("line", function listen(this: Interface, line: string) {
        if (line !== word) return;
        this.off("line", listen);
        clearTimeout(late);
        resolve();
      });
    });
  }
}

/** A port that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
