// The pictures in the README are of this console: each page still shows what is said below its picture.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Page } from "@playwright/test";
import { expect, test } from "../support/console.ts";
import { Demo } from "../support/demo.ts";

test.describe.configure({ timeout: 180_000 });

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MOST_BYTES = 150 * 1024;
const SIZE = { width: 1280, height: 800 };
/** How far a picture may be from its page, of 255 for each colour: names, ages and hashes differ from run to run. */
const MOST_DIFFERENT = 4;
/** Pictures are compared in cells of so many pixels, in which the shapes of letters are gone. */
const CELL = 8;

const heading = (page: Page) => page.getByRole("heading", { level: 1 });
const newest = (page: Page) => page.getByRole("rowheader").getByRole("link").first();

/** The way to each page, by the name of its picture. */
const WAYS: Record<string, (page: Page, demo: Demo) => Promise<void>> = {
  overview: async (page, demo) => {
    await demo.signIn(page, "priya");
  },
  inspect: async (page, demo) => {
    await page.goto(`${demo.url}/inspect`);
    await page.getByRole("button", { name: "Open a damaged sample" }).click();
  },
  plan: async (page, demo) => {
    await demo.signIn(page, "priya");
    await page.goto(`${demo.url}/plans?state=sealed`);
    await newest(page).click();
    await expect(page.getByText("Your browser recomputed this plan: same hash, same check.")).toBeVisible();
  },
  job: async (page, demo) => {
    await demo.signIn(page, "olivia");
    await page.goto(`${demo.url}/jobs`);
    await newest(page).click();
    await expect(page.getByText("Finished", { exact: true })).toBeVisible({ timeout: 60_000 });
  },
};

/** A picture as the browser draws it, and again as WebP, in which text on plain ground is small. */
async function drawn(page: Page, kind: string, picture: Buffer): Promise<{ width: number; height: number; data: string }> {
  const blank = await page.context().newPage();
  const address = `data:${kind};base64,${picture.toString("base64")}`;
  const result = await blank.evaluate(async (address) => {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d")?.drawImage(image, 0, 0);
    const data = canvas.toDataURL("image/webp", 0.9).split(",")[1] ?? "";
    return { width: canvas.width, height: canvas.height, data };
  }, address);
  await blank.close();
  return result;
}

/** How far two pictures are from each other: the mean difference of a colour in a cell. */
async function difference(page: Page, pictures: { kind: string; picture: Buffer }[]): Promise<number> {
  const blank = await page.context().newPage();
  const addresses = pictures.map(({ kind, picture }) => `data:${kind};base64,${picture.toString("base64")}`);
  const result = await blank.evaluate(
    async ({ addresses, width, height }) => {
      const all: Uint8ClampedArray[] = [];
      for (const address of addresses) {
        const image = new Image();
        image.src = address;
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [width, height];
        const context = canvas.getContext("2d");
        if (!context) throw new Error("no canvas");
        context.imageSmoothingQuality = "high";
        context.drawImage(image, 0, 0, width, height);
        all.push(context.getImageData(0, 0, width, height).data);
      }
      const [one, other] = all;
      if (!one || !other) throw new Error("not two pictures");
      let sum = 0;
      for (let at = 0; at < one.length; at += 1) sum += Math.abs((one[at] ?? 0) - (other[at] ?? 0));
      // A quarter of them is the opacity, in which nothing differs.
      return sum / ((one.length * 3) / 4);
    },
    { addresses, width: SIZE.width / CELL, height: SIZE.height / CELL },
  );
  await blank.close();
  return result;
}

test("each picture is of a page that shows what the README says of it", async ({ page }) => {
  const readme = await readFile(`${ROOT}README.md`, "utf8");
  const shown = [...readme.matchAll(/!\[[^\]]+\]\(docs\/pictures\/(\w+)\.webp\)<br>([^|]+)\|/g)];
  expect(shown.map(([, name]) => name).sort()).toEqual(Object.keys(WAYS).sort());
  expect(readme.match(/docs\/pictures\//g)).toHaveLength(shown.length);

  const demo = await Demo.start();
  try {
    await page.setViewportSize(SIZE);
    let before: Buffer | undefined;
    for (const [, name = "", caption = ""] of shown) {
      await page.context().clearCookies();
      await WAYS[name]?.(page, demo);
      const quoted = [...caption.matchAll(/“([^”]+)”/g)].map(([, words]) => words ?? "");
      expect(quoted.length, name).toBeGreaterThan(2);
      for (const words of quoted) {
        await expect(page.getByRole("heading", { name: words }).first(), `${name}: ${words}`).toBeVisible();
      }
      // The first of them is the headline, or in it.
      if (name !== "plan") await expect(heading(page)).toContainText(quoted[0] ?? "");

      const file = `${ROOT}docs/pictures/${name}.webp`;
      await page.waitForLoadState("networkidle");
      await page.evaluate(() => document.fonts.ready);
      await page.mouse.move(0, 0);
      const shot = await page.screenshot();
      if (process.env.REQUORUM_PICTURES === "1") {
        const { data } = await drawn(page, "image/png", shot);
        await mkdir(`${ROOT}docs/pictures`, { recursive: true });
        await writeFile(file, Buffer.from(data, "base64"));
      }
      const picture = await readFile(file);
      expect(picture.length, file).toBeLessThanOrEqual(MOST_BYTES);
      const { width, height } = await drawn(page, "image/webp", picture);
      expect({ width, height }, file).toEqual(SIZE);
      // An old picture fails: make new ones with REQUORUM_PICTURES=1.
      const now = { kind: "image/png", picture: shot };
      const away = await difference(page, [now, { kind: "image/webp", picture }]);
      expect(away, `${name} is not what the page looks like now`).toBeLessThanOrEqual(MOST_DIFFERENT);
      // The measure sees another page as another one.
      if (before) {
        const other = await difference(page, [now, { kind: "image/png", picture: before }]);
        expect(other, `${name} and the picture before it`).toBeGreaterThan(MOST_DIFFERENT);
      }
      before = shot;
    }
  } finally {
    await demo.stop();
  }
});
