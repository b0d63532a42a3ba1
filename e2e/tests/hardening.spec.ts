// What a browser enforces for us: other sites change nothing and read nothing, nothing foreign runs in our pages,
// cookies stay where they are, and an answer that was cut off is no answer.
import { type Page, type Response } from "@playwright/test";
import { NAME, PASSWORD, account, expect, signIn, signOut, test as base } from "../support/console.ts";
import { fixture } from "../support/files.ts";
import { Server } from "../support/server.ts";
import { Stranger, Tls } from "../support/sites.ts";
import { upload } from "../support/wizard.ts";

const test = base.extend<{}, { stranger: Stranger }>({
  // Each refusal is a complaint of the browser's, and what these tests are about.
  allowed: async ({}, use) =>
    use([/Content.Security.Policy/i, /^policy: /, /violates the following/, /CORS/, /Cross-Origin/, /frame/i]),
  stranger: [
    async ({}, use) => {
      const stranger = await Stranger.start();
      await use(stranger);
      await stranger.stop();
    },
    { scope: "worker" },
  ],
});

const ABOUT = "/requorum.v1.ConsoleService/About";

/** What the console knows and may not change: signed in or not, uploads, entries of the ledger. */
async function state(page: Page, server: Server) {
  const cookies = await page.context().cookies(server.url);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const get = (path: string) => fetch(server.url + path, { headers: { cookie } });
  const session = (await get("/api/session")).status;
  const uploads = await (await get("/api/uploads")).text();
  const checkpoint = await (await get("/ledger/checkpoint")).text();
  return { session, uploads, entries: checkpoint.split("\n")[1] };
}

for (const kind of ["foreign", "neighbour"] as const) {
  const from = kind === "foreign" ? "another host" : "another port of the same host";

  test(`a page of ${from} changes nothing`, async ({ page, server, administrator, stranger }) => {
    await signIn(page, administrator);
    await page.goto("/");
    const before = await state(page, server);
    expect(before.session).toBe(200);

    // Forms go anywhere without being asked.
    const answers: Response[] = [];
    page.on("response", (response) => {
      if (response.url().startsWith(server.url)) answers.push(response);
    });
    const bodies: [string, string, string][] = [
      ["/api/logout", "text/plain", ""],
      ["/api/logout", "application/x-www-form-urlencoded", "a=b"],
      ["/api/uploads", "text/plain", '{"name": "evil.db", "length": 10, "x": "='],
      ["/api/password", "multipart/form-data", "current=a"],
      [ABOUT, "text/plain", "\0\0\0\0\0"],
    ];
    for (const [path, enctype, body] of bodies) {
      await page.goto(stranger[kind]);
      answers.length = 0;
      await page.evaluate(
        ({ action, enctype, body }) => {
          const form = document.createElement("form");
          Object.assign(form, { method: "post", action, enctype });
          const field = document.createElement("input");
          [field.name, field.value] = [body, '"}'];
          form.append(field);
          document.body.append(form);
          form.submit();
        },
        { action: server.url + path, enctype, body },
      );
      await expect.poll(() => answers.length, { message: path }).toBeGreaterThan(0);
      expect(answers[0]?.status(), `a form to ${path}`).toBe(403);
      await page.waitForURL(server.url + path);
    }

    // Scripts must ask first, or send what a form could send.
    await page.goto(stranger[kind]);
    const seen = await page.evaluate(
      async ({ url, about }) => {
        const outcome = async (path: string, init: RequestInit) => {
          try {
            const answer = await fetch(url + path, { method: "POST", credentials: "include", ...init });
            return `${answer.type} ${answer.status}`;
          } catch (error) {
            return String(error);
          }
        };
        const json = { "content-type": "application/json" };
        const web = { "content-type": "application/grpc-web+proto", "x-grpc-web": "1" };
        const upload = JSON.stringify({ name: "evil.db", length: 10 });
        return {
          json: await outcome("/api/uploads", { headers: json, body: upload }),
          grpcWeb: await outcome(about, { headers: web, body: new Uint8Array(5) }),
          remove: await outcome("/api/uploads/1", { method: "DELETE" }),
          token: await outcome("/api/logout", { headers: { authorization: "Bearer rq_x" } }),
          plain: await outcome("/api/logout", { body: "", mode: "no-cors" }),
          read: await outcome("/api/session", { method: "GET" }),
          checkpoint: await outcome("/ledger/checkpoint", { method: "GET" }),
          beacon: navigator.sendBeacon(`${url}/api/logout`, "x"),
        };
      },
      { url: server.url, about: ABOUT },
    );
    const refused = "TypeError: Failed to fetch";
    expect(seen).toEqual({
      json: refused,
      grpcWeb: refused,
      remove: refused,
      token: refused,
      // What comes back is nothing that the page could read, or nothing at all.
      plain: expect.stringMatching(/^opaque 0$|Failed to fetch/),
      read: refused,
      checkpoint: refused,
      beacon: true,
    });
    expect(await state(page, server)).toEqual(before);
  });

  test(`a page of ${from} shows nothing of ours`, async ({ page, server, administrator, stranger }) => {
    await signIn(page, administrator);
    await page.goto("/");
    const script = await page.locator("script[src]").first().getAttribute("src");
    await page.goto(stranger[kind]);
    const loads = await page.evaluate(
      async ({ url, script }) => {
        const load = (tag: "img" | "script" | "link", path: string) =>
          new Promise<string>((resolve) => {
            const element = document.createElement(tag) as HTMLImageElement;
            element.onload = () => resolve("loaded");
            element.onerror = () => resolve("refused");
            if (tag === "link") Object.assign(element, { rel: "stylesheet", href: url + path });
            else element.src = url + path;
            document.head.append(element);
          });
        return [await load("script", script), await load("img", "/favicon.svg"), await load("script", "/api/session")];
      },
      { url: server.url, script: script ?? "/" },
    );
    expect(loads).toEqual(["refused", "refused", "refused"]);

    // Not in a frame, where clicks could be stolen.
    await page.evaluate((url) => {
      const frame = document.createElement("iframe");
      frame.src = url;
      document.body.append(frame);
    }, server.url);
    await expect.poll(() => page.frames()[1]?.url()).toContain("chrome-error://");

    // Not in a window that the stranger holds on to.
    const opened = page.waitForEvent("popup");
    await page.evaluate((url) => void ((globalThis as any).held = window.open(url)), server.url);
    const popup = await opened;
    await popup.waitForLoadState();
    expect(await popup.evaluate(() => window.opener)).toBeNull();
    await expect.poll(() => page.evaluate(() => (globalThis as any).held.closed)).toBe(true);
    await popup.close();
  });
}

test("no script but ours runs, and nothing leaves the page", async ({ page, server, administrator, stranger }) => {
  await signIn(page, administrator);
  await page.goto("/");
  await expect(account(page)).toBeVisible();
  await page.evaluate(() => {
    const refused: string[] = ((globalThis as any).refused = []);
    document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
  });
  const asked = stranger.asked.length;
  const seen = await page.evaluate(async (foreign) => {
    const page = globalThis as any;
    const add = (html: string) => {
      const place = document.createElement("div");
      place.innerHTML = html;
      document.body.append(place);
      return place;
    };
    const script = (fill: (element: HTMLScriptElement) => void) => {
      const element = document.createElement("script");
      fill(element);
      document.body.append(element);
    };
    script((element) => (element.textContent = "globalThis.injected = true"));
    script((element) => (element.src = `${foreign}/evil.js`));
    script((element) => (element.src = "data:text/javascript,globalThis.injected = true"));
    script((element) => (element.src = URL.createObjectURL(new Blob(["globalThis.injected = true"]))));
    add(`<img src="/none" onerror="globalThis.injected = true">`);
    add(`<iframe srcdoc="<script>parent.injected = true</script>"></iframe>`);
    add(`<a href="javascript:globalThis.injected = true">x</a>`).querySelector("a")?.click();
    add(`<style>body { display: none }</style><base href="${foreign}/"><object data="${foreign}/"></object>`);
    add(`<img src="${foreign}/pixel"><iframe src="${foreign}/frame"></iframe>`);
    add(`<form method="post" action="${foreign}/form"></form>`).querySelector("form")?.submit();
    // Outside of this function, which the test's own tools run.
    const later = (what: () => unknown) =>
      new Promise<string>((resolve) => {
        setTimeout(async () => {
          try {
            await what();
            resolve("ran");
          } catch (error) {
            resolve((error as Error).name);
          }
        });
      });
    const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const outcomes = {
      eval: await later(() => (0, eval)("globalThis.injected = true")),
      function: await later(() => new Function("globalThis.injected = true")()),
      fetch: await later(() => fetch(`${foreign}/fetch`)),
      foreignWorker: await later(
        () =>
          new Promise((resolve, reject) => {
            const worker = new Worker(URL.createObjectURL(new Blob(["postMessage(1)"])));
            worker.onmessage = resolve;
            worker.onerror = () => reject(new TypeError());
          }),
      ),
      webAssembly: await later(() => WebAssembly.compile(empty)),
    };
    navigator.sendBeacon(`${foreign}/beacon`, document.title);
    await later(() => new WebSocket(`${foreign.replace("http", "ws")}/socket`));
    await later(() => new EventSource(`${foreign}/events`));
    setTimeout("globalThis.injected = true" as any);
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { outcomes, injected: page.injected, base: document.baseURI, cookie: document.cookie, refused: page.refused, display: getComputedStyle(document.body).display };
  }, stranger.foreign);
  expect(seen.outcomes).toEqual({
    eval: "EvalError",
    function: "EvalError",
    fetch: "TypeError",
    foreignWorker: expect.stringMatching(/Error$/),
    webAssembly: "ran",
  });
  expect(seen.injected).toBeUndefined();
  expect(seen.base).toBe(`${server.url}/`);
  expect(seen.cookie, "no script reads the session").toBe("");
  for (const directive of [
    "script-src-elem",
    "script-src-attr",
    "script-src",
    "style-src-elem",
    "img-src",
    "connect-src",
    "frame-src",
    "base-uri",
    "form-action",
    "worker-src",
  ]) {
    expect(seen.refused, directive).toContain(directive);
  }
  expect(stranger.asked.slice(asked), "nobody was told anything").toEqual([]);
  expect(seen.display, "the page is still there").not.toBe("none");
});

test("what is sensitive is kept nowhere", async ({ page, administrator }) => {
  expect(administrator).toBeTruthy();
  // A session of its own, which ends here.
  await page.goto("/login");
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await expect(account(page)).toBeVisible();
  const file = await fixture("3.6.14-mixed");
  await upload(page, file);
  const id = await page.getByRole("link", { name: file.name }).first().getAttribute("href");
  const paths = ["/api/session", "/api/uploads", "/ledger/checkpoint", `/api${id}/file`, "/api/nothing", ABOUT];
  const seen = await page.evaluate(async (paths) => {
    const read = async (path: string) => {
      const grpc = path.startsWith("/requorum");
      const init = { method: "POST", headers: { "content-type": "application/grpc-web+proto" }, body: new Uint8Array(5) };
      const answer = await fetch(path, grpc ? init : {});
      await answer.arrayBuffer();
      const again = fetch(path, { cache: "only-if-cached", mode: "same-origin" });
      return {
        cache: answer.headers.get("cache-control"),
        sniff: answer.headers.get("x-content-type-options"),
        kept: await again.then(
          (answer) => answer.ok,
          () => false,
        ),
      };
    };
    return Promise.all(paths.map(read));
  }, paths);
  for (const [index, path] of paths.entries()) {
    expect(seen[index], path).toEqual({ cache: "no-store", sniff: "nosniff", kept: false });
  }
  // Signed out, going back shows nothing.
  await page.goto("/settings");
  await signOut(page);
  await page.goBack();
  await expect(page.getByText(file.name)).toBeHidden();
  const session = await page.evaluate(() => fetch("/api/session").then((answer) => answer.status));
  expect(session).toBe(401);
});

test("under TLS the session is bound to the very origin", async ({ browser }) => {
  const tls = await Tls.start();
  const server = await Server.start({ args: ["--public-url", tls.url] });
  tls.inFrontOf(server.url);
  const context = await browser.newContext({ ignoreHTTPSErrors: true, baseURL: tls.url });
  try {
    const page = await context.newPage();
    const front = await page.goto(server.setupLink);
    expect(new URL(server.setupLink).origin).toBe(tls.url);
    expect(front?.headers()["strict-transport-security"]).toMatch(/^max-age=\d{8}/);
    await page.getByLabel("Name").fill(NAME);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel(/again/i).fill(PASSWORD);
    await page.getByRole("button", { name: /administrator/i }).click();
    await expect(account(page)).toBeVisible();
    const cookies = await context.cookies();
    // The session, and the mark of a browser that its owner has signed in with before.
    const names = ["__Host-requorum", "__Host-requorum-device"];
    expect(cookies.map(({ name }) => name).sort()).toEqual(names);
    for (const cookie of cookies) {
      expect(cookie).toMatchObject({
        domain: "localhost",
        path: "/",
        secure: true,
        httpOnly: true,
        sameSite: "Strict",
      });
    }
    // No script puts another in its place: not without TLS' mark, not for a wider domain, not for a part of the site.
    const kept = await page.evaluate(() => {
      for (const rest of ["path=/", "path=/; secure; domain=localhost", "path=/api; secure"]) {
        document.cookie = `__Host-requorum=forged; ${rest}`;
      }
      return document.cookie;
    });
    expect(kept).toBe("");
    expect(await context.cookies()).toEqual(cookies);
    await page.reload();
    await expect(account(page)).toBeVisible();
  } finally {
    await context.close();
    await server.stop();
    await tls.stop();
  }
});

test("a session on loopback is a cookie that no script reads", async ({ page, administrator }) => {
  await signIn(page, administrator);
  await page.goto("/");
  const cookies = await page.context().cookies();
  expect(cookies.map(({ name }) => name).sort()).toEqual(["requorum", "requorum-device"]);
  for (const cookie of cookies) {
    expect(cookie).toMatchObject({ path: "/", httpOnly: true, sameSite: "Strict" });
  }
  expect(await page.evaluate(() => document.cookie)).toBe("");
});

test("an answer that was cut off is no answer", async ({ page, administrator }) => {
  await signIn(page, administrator);
  await upload(page, await fixture("3.5.33-three"));
  const whole = await page.evaluate(async () => {
    const answer = await fetch("/requorum.v1.FileService/ListFiles", {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: new Uint8Array(5),
    });
    return [...new Uint8Array(await answer.arrayBuffer())];
  });
  const message = 5 + Buffer.from(whole).readUInt32BE(1);
  expect(whole[message], "the trailers follow").toBe(0x80);
  for (const [where, length] of [
    ["before it began", 0],
    ["in the message's length", 3],
    ["in the message", message - 10],
    ["before the trailers", message],
    ["in the trailers' length", message + 3],
    ["before the trailers' text", message + 5],
    ["in the trailers", message + 12],
  ] as const) {
    const route = "**/requorum.v1.FileService/ListFiles";
    await page.route(route, (route) =>
      route.fulfill({
        contentType: "application/grpc-web+proto",
        body: Buffer.from(whole.slice(0, length)),
      }),
    );
    await page.goto("/files");
    await expect(page.getByText("The server's answer was cut off on its way."), where).toBeVisible();
    await expect(page.getByText("3.5.33-three.db"), where).toBeHidden();
    await page.unroute(route);
  }
  await page.goto("/files");
  await expect(page.getByRole("link", { name: "3.5.33-three.db" }).first()).toBeVisible();
});
