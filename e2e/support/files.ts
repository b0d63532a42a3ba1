// Snapshots by real etcd, and the damage that tests do to them.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";

export type Given = { name: string; mimeType: string; buffer: Buffer };

const FOLDER = fileURLToPath(new URL("../../shared/testdata/etcd/", import.meta.url));

/** A file that real etcd wrote: `3.6.14-mixed`. */
export async function fixture(name: string): Promise<Given> {
  return given(`${name}.db`, await readFile(`${FOLDER}${name}.db`));
}

/** Another file of the test data, by its path there: `raft/stopped/raft/raft.db`. */
export async function testdata(path: string): Promise<Given> {
  const bytes = await readFile(`${FOLDER}../${path}`);
  return given(path.split("/").at(-1) ?? path, bytes);
}

/** What the real tools said of it. */
export async function saidOf(name: string): Promise<any> {
  return JSON.parse(await readFile(`${FOLDER}${name}.json`, "utf8"));
}

export function given(name: string, bytes: Buffer | string): Given {
  return { name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) };
}

/** What begins like a dossier: the first entry of a ZIP is its manifest, which names its format. */
export function likeDossier(): Given {
  const header = Buffer.alloc(30);
  header.write("PK\u0003\u0004", "latin1");
  header.writeUInt16LE("manifest.json".length, 26);
  const manifest = Buffer.from('manifest.json{"format":"requorum.dossier/2"');
  return given("dossier.zip", Buffer.concat([header, manifest, Buffer.alloc(64)]));
}

/** One bit flipped. */
export function flipped(file: Given, at: number): Given {
  const buffer = Buffer.from(file.buffer);
  buffer[at] = (buffer[at] ?? 0) ^ 1;
  return { ...file, name: `flipped-${file.name}`, buffer };
}

/** Other words in place of as many bytes, and a SHA-256 that agrees: what a member saves that applied another write. */
export function resealed(file: Given, from: string, to: string): Given {
  const image = Buffer.from(file.buffer.subarray(0, -32).toString("latin1").replaceAll(from, to), "latin1");
  const buffer = Buffer.concat([image, createHash("sha256").update(image).digest()]);
  return { ...file, name: `resealed-${file.name}`, buffer };
}

/** Only the first `length` bytes. */
export function cut(file: Given, length: number): Given {
  return { ...file, name: `cut-${file.name}`, buffer: file.buffer.subarray(0, length) };
}

/** Chooses files as a person does: by pressing the drop target. */
export async function choose(page: Page, ...files: Given[]): Promise<void> {
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /click to browse/ }).click();
  await (await chooser).setFiles(files);
}
