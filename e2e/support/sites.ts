// Sites beside the console: a stranger's, which means harm, and one with TLS in front of the console.
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type Server as Http, createServer, request } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A stranger's site: an empty page at every address, at two names of this machine. */
export class Stranger {
  private constructor(
    private server: Http,
    private port: number,
    /** Requests that came in. */
    readonly asked: string[],
  ) {}

  static async start(): Promise<Stranger> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const script = request.url?.endsWith(".js");
      response.setHeader("access-control-allow-origin", "*");
      response.setHeader("content-type", script ? "text/javascript" : "text/html");
      response.end(script ? "globalThis.injected = true" : "<!doctype html><title>stranger</title>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Stranger(server, (server.address() as AddressInfo).port, asked);
  }

  /** Another port of the console's own host: browsers call that the same site, and send it every cookie. */
  get neighbour(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Another host. */
  get foreign(): string {
    return `http://localhost:${this.port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** TLS on a free port of localhost, as a reverse proxy puts it in front of the console. */
export class Tls {
  private constructor(
    private server: Http,
    /** `https://localhost:…` */
    readonly url: string,
    private folder: string,
    private behind: { port: number },
  ) {}

  static async start(): Promise<Tls> {
    const folder = await mkdtemp(join(tmpdir(), "requorum-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const what = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
    execFileSync("openssl", [...what, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
    const behind = { port: 0 };
    const server = createTlsServer({ key: await readFile(key), cert: await readFile(cert) }, (from, to) => {
      const { method, url: path, headers } = from;
      const onward = request({ host: "127.0.0.1", port: behind.port, method, path, headers }, (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(to);
      });
      onward.on("error", () => to.destroy());
      from.pipe(onward);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return new Tls(server as unknown as Http, `https://localhost:${port}`, folder, behind);
  }

  /** Hands everything on to what listens at this port of 127.0.0.1. */
  inFrontOf(url: string): void {
    this.behind.port = Number(new URL(url).port);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await rm(this.folder, { recursive: true, force: true });
  }
}
