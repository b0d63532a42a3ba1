// Several people, each in a browser of their own.
import { execFileSync } from "node:child_process";
import { type Browser, type BrowserContext, type Page, type Route, expect } from "@playwright/test";
import { PASSWORD } from "./console.ts";
import { type Server, built } from "./server.ts";

/** A gRPC-Web call with this browser's session; gives the status and the body's text. */
export async function call(
  page: Page,
  method: string,
  message: Buffer,
): Promise<{ status: string; code: string; body: Buffer }> {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  const answer = await page.request.post(`/requorum.v1.${method}`, {
    headers: { "content-type": "application/grpc-web+proto", origin: new URL(page.url()).origin },
    data: frame,
  });
  const headers = answer.headers();
  const body = await answer.body();
  // A refusal comes in the headers, a success in the frame of trailers at the end.
  const status = headers["grpc-status"] ?? /grpc-status:\s*(\d+)/.exec(body.toString("latin1"))?.[1] ?? "";
  return { status, code: headers["x-error-code"] ?? "", body };
}

/** A gRPC-Web answer with this message. */
export async function answered(route: Route, message: Buffer): Promise<void> {
  const frame = (flags: number, body: Buffer) => {
    const head = Buffer.alloc(5);
    head.writeUInt8(flags);
    head.writeUInt32BE(body.length, 1);
    return Buffer.concat([head, body]);
  };
  const body = Buffer.concat([frame(0, message), frame(0x80, Buffer.from("grpc-status:0\r\n"))]);
  await route.fulfill({ contentType: "application/grpc-web+proto", body });
}

/** A field of protobuf that holds text. */
export function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

/** A field of protobuf that holds bytes, or a message. */
export function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(value.length), value]);
}

function varint(value: number): Buffer {
  const out: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...out, rest]);
    out.push((rest & 0x7f) | 0x80);
  }
}

/** The first text field of this number in a message. */
export function textOf(message: Buffer, field: number): string {
  const found = fields(message).find((one) => one.field === field && one.bytes);
  return found?.bytes?.toString("utf8") ?? "";
}

type Field = { field: number; bytes?: Buffer; raw: Buffer };

/** The fields of a message, in order. */
export function fields(message: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const start = at;
    const key = number();
    const field = key >>> 3;
    if ((key & 7) === 2) {
      const length = number();
      at += length;
      found.push({ field, bytes: message.subarray(at - length, at), raw: message.subarray(start, at) });
    } else if ((key & 7) === 0) {
      number();
      found.push({ field, raw: message.subarray(start, at) });
    } else {
      throw new Error(`field ${field} is of a kind that these tests do not read`);
    }
  }
  return found;
}

/** The same message with one text field in place of those of its number. */
export function replaced(message: Buffer, field: number, value: string): Buffer {
  const rest = fields(message).filter((one) => one.field !== field);
  return Buffer.concat([...rest.map((one) => one.raw), text(field, value)]);
}

/** The message of a gRPC-Web answer, and the answer with another message in it. */
export function opened(answer: Buffer): { message: Buffer; with: (message: Buffer) => Buffer } {
  const length = answer.readUInt32BE(1);
  const rest = answer.subarray(5 + length);
  return {
    message: answer.subarray(5, 5 + length),
    with: (message) => {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(message.length, 1);
      return Buffer.concat([head, message, rest]);
    },
  };
}

const ROLES = ["viewer", "operator", "approver", "admin"];

/** A grant as the API takes it: `approver` for everything, `approver@prod` for a cluster. */
function grant(role: string): Buffer {
  const [name = "", cluster] = role.split("@");
  const number = Buffer.from([1 << 3, ROLES.indexOf(name) + 1]);
  return cluster === undefined ? number : Buffer.concat([number, text(2, cluster)]);
}

/** Invites somebody with these roles, and lets them join in a browser of their own. */
export async function person(
  browser: Browser,
  server: Server,
  admin: Page,
  name: string,
  roles: string[],
): Promise<{ page: Page; context: BrowserContext }> {
  const invite = Buffer.concat([text(1, name), ...roles.map((role) => bytes(2, grant(role)))]);
  const answer = await call(admin, "PeopleService/InvitePerson", invite);
  expect(answer.status, `inviting ${name}: ${answer.code}`).toBe("0");
  const link = fields(opened(answer.body).message).find((one) => one.field === 1)?.bytes ?? Buffer.alloc(0);
  const token = textOf(link, 2);
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const joined = await context.request.post("/api/join", {
    headers: { origin: server.url },
    data: { token, password: PASSWORD },
  });
  expect(joined.status(), `${name} joins`).toBe(200);
  // As whoever keeps the server's machine says that this is somebody else than the one who invited them.
  execFileSync(built("REQUORUM_BIN", "the requorum binary"), ["user", "confirm", name, "--data-dir", server.dataDir]);
  await page.goto("/");
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  return { page, context };
}
