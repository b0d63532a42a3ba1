// The real server on a free port, in a folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Finds what `make` built and installed. */
export function built(variable: string, what: string): string {
  const path = process.env[variable];
  if (!path) throw new Error(`${variable} is not set (${what}): run these tests with make e2e`);
  return path;
}

/** What a test wants to be different. */
type More = { args?: string[]; env?: Record<string, string>; from?: string };

export class Server {
  private constructor(
    /** `http://127.0.0.1:…` */
    readonly url: string,
    /** The one-time link for the first administrator. */
    readonly setupLink: string,
    readonly dataDir: string,
    private process: ChildProcess,
    private log: string[],
    private listen: string,
    private more: More,
  ) {}

  /** Starts it on a free port, on a copy of the data `more.from` where that is given, and waits until it listens. */
  static async start(more: More = {}): Promise<Server> {
    const dataDir = await mkdtemp(join(tmpdir(), "requorum-e2e-"));
    if (more.from) await cp(more.from, dataDir, { recursive: true });
    const { process, log, url, link } = await Server.launch(dataDir, "127.0.0.1:0", more);
    if (!link) throw new Error(`no link for the first administrator in:\n${log.join("")}`);
    return new Server(url, link, dataDir, process, log, url.replace("http://", ""), more);
  }

  private static async launch(dataDir: string, listen: string, more: More) {
    const args = ["serve", "--data-dir", dataDir, "--listen", listen, ...(more.args ?? [])];
    args.push("--etcd-bin", built("REQUORUM_ETCD", "the folder with etcd 3.5.1"));
    const child = spawn(built("REQUORUM_BIN", "the requorum binary"), args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, REQUORUM_LOG: "info", ...more.env },
    });
    const log: string[] = [];
    const said = new Promise<{ url: string; link: string | undefined }>((resolve, reject) => {
      let out = "";
      const give = () => {
        const url = /listening on (http:\/\/\S+)/.exec(out)?.[1];
        if (!url) return;
        resolve({ url, link: /\(once\): (\S+)/.exec(out)?.[1] });
      };
      child.stdout.on("data", (chunk: Buffer) => {
        out += chunk;
        log.push(String(chunk));
        // The link follows in the same breath.
        setTimeout(give, 100);
      });
      child.stderr.on("data", (chunk: Buffer) => log.push(String(chunk)));
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`requorum ended with ${code}:\n${log.join("")}`)));
      setTimeout(() => reject(new Error(`requorum does not listen:\n${log.join("")}`)), 30_000).unref();
    });
    const { url, link } = await said;
    return { process: child, log, url, link };
  }

  /** What it said so far. */
  get said(): string {
    return this.log.join("");
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    await ended(this.process, "SIGKILL");
  }

  /** Starts it again on the same port and data. */
  async restart(): Promise<void> {
    const { process, log } = await Server.launch(this.dataDir, this.listen, this.more);
    this.process = process;
    this.log = log;
  }

  async stop(): Promise<void> {
    await ended(this.process, "SIGTERM");
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** Ends a process that we started, and waits until it is gone. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  const last = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(last);
}
