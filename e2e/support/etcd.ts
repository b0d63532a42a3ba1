// A cluster of real etcd 3.5.1, booted from folders that a restore made.
import { type ChildProcess, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { built, ended } from "./server.ts";

export type Booted = { name: string; peerUrl: string; dataDir: string };

export class Etcd {
  private constructor(
    private processes: ChildProcess[],
    /** Where clients reach each member. */
    readonly clientUrls: string[],
  ) {}

  static async boot(members: Booted[], token: string): Promise<Etcd> {
    const initialCluster = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
    const processes: ChildProcess[] = [];
    const clientUrls: string[] = [];
    const logs: string[] = [];
    for (const { name, peerUrl, dataDir } of members) {
      const clientUrl = `http://127.0.0.1:${await freePort()}`;
      const log = join(dataDir, "..", `${name}.log`);
      const out = openSync(log, "a");
      const environment = Object.entries(process.env).filter(([key]) => !key.startsWith("ETCD"));
      processes.push(
        spawn(
          join(built("REQUORUM_ETCD", "the folder with etcd 3.5.1"), "etcd"),
          [
            ["--name", name],
            ["--data-dir", dataDir],
            ["--listen-client-urls", clientUrl],
            ["--advertise-client-urls", clientUrl],
            ["--listen-peer-urls", peerUrl],
            ["--initial-advertise-peer-urls", peerUrl],
            ["--initial-cluster", initialCluster],
            ["--initial-cluster-token", token],
            ["--initial-cluster-state", "new"],
            ["--logger", "zap"],
          ].flat(),
          { stdio: ["ignore", out, out], env: Object.fromEntries(environment) },
        ),
      );
      clientUrls.push(clientUrl);
      logs.push(log);
    }
    const etcd = new Etcd(processes, clientUrls);
    const deadline = Date.now() + 60_000;
    for (const [index, url] of clientUrls.entries()) {
      while (!(await etcd.answers(url))) {
        const over = Date.now() > deadline || processes[index]?.exitCode != null;
        if (over) {
          await etcd.stop();
          const log = await readFile(logs[index] ?? "", "utf8");
          throw new Error(`etcd did not boot:\n${log.split("\n").slice(-30).join("\n")}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    return etcd;
  }

  private async answers(url: string): Promise<boolean> {
    try {
      return (await this.call(url, "kv/range", { key: "AA==" })).header !== undefined;
    } catch {
      return false;
    }
  }

  async call(url: string, path: string, body: object): Promise<any> {
    const answer = await fetch(`${url}/v3/${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.json();
  }

  /** Writes a key. */
  async put(key: string, value: string): Promise<void> {
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    await this.call(this.clientUrls[0] ?? "", "kv/put", { key: base64(key), value: base64(value) });
  }

  /** A snapshot, as `etcdctl snapshot save` writes it: parts of a stream, the SHA-256 at the end. */
  async snapshot(): Promise<Buffer> {
    const answer = await fetch(`${this.clientUrls[0]}/v3/maintenance/snapshot`, { method: "POST", body: "{}" });
    const lines = (await answer.text()).split("\n").filter((line) => line !== "");
    return Buffer.concat(lines.map((line) => Buffer.from(JSON.parse(line).result.blob ?? "", "base64")));
  }

  /** How many keys a member serves, and the revision it is at. */
  async keys(url: string): Promise<{ count: number; revision: number }> {
    const body = { key: "AA==", range_end: "AA==", count_only: true };
    const { header, count } = await this.call(url, "kv/range", body);
    return { count: Number(count ?? 0), revision: Number(header.revision) };
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map((child) => ended(child, "SIGTERM")));
  }
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (!address || typeof address === "string") throw new Error("no port");
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}
