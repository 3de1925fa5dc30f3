// A real Chromium with the TV's page, told line by line on stdin what to do. Every answer is one line of JSON.
//
//   node tv.mjs <path of chromium> [flag…]

import { createInterface } from "node:readline";
import { writeFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { briefInFades, instrument, renewOnReturn } from "./watch.mjs";

const [, , executablePath, ...flags] = process.argv;
const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", ...flags];
const launch = () => chromium.launch({ executablePath, args, ignoreDefaultArgs: ["--mute-audio"] });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const browser = await launch();
let page;
/** Those that were opened before the one that is looked at. */
const others = [];
let foreign = [];
let errors = [];

const commands = {
  /** Opens the page on a screen of a size. */
  async open({ url, width = 640, height = 360, renewed = false, briefed = false }) {
    const context = await browser.newContext({ viewport: { width, height } });
    if (page) others.push(page);
    page = await context.newPage();
    [foreign, errors] = [[], []];
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== new URL(url).origin) foreign.push(request.url());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.addInitScript(instrument);
    if (renewed) await page.addInitScript(renewOnReturn);
    if (briefed) await page.addInitScript(briefInFades);
    await page.goto(url);
    return {};
  },

  async break_next() {
    await page.evaluate(() => window.watch.breakNext());
    return {};
  },

  async reload() {
    await page.reload();
    return {};
  },

  /** Closes the page and looks at the one that was opened before it. */
  async close() {
    await page.context().close();
    page = others.pop();
    return {};
  },

  /** What is on the screen now. */
  async look() {
    const look = () => page.evaluate(() => window.watch.look());
    const seen = await look().catch(async () => {
      // It was just being loaded anew.
      await page.waitForLoadState();
      return look();
    });
    return { ...seen, foreign, errors };
  },

  /** Looks at every picture until so many items took the place of others, or it takes too long. */
  async watch({ transitions, within, blank_after: blankAfter }) {
    const cdp = await page.context().newCDPSession(page);
    const pictures = [];
    cdp.on("Page.screencastFrame", ({ data, metadata, sessionId }) => {
      pictures.push({ data, at: metadata.timestamp });
      cdp.send("Page.screencastFrameAck", { sessionId }).catch(() => {});
    });
    await page.evaluate(() => window.watch.begin());
    await cdp.send("Page.startScreencast", { format: "jpeg", quality: 50, maxWidth: 160, maxHeight: 90, everyNthFrame: 1 });
    if (blankAfter) {
      await pause(blankAfter);
      // Hidden until a picture of that was composed: what must never be seen.
      await page.evaluate(() => window.watch.blank());
    }
    const end = Date.now() + within;
    let seen;
    do {
      await pause(100);
      seen = await page.evaluate(() => window.watch.seen());
    } while (seen.transitions < transitions && Date.now() < end);
    await cdp.send("Page.stopScreencast");
    await cdp.detach();
    return { ...seen, ...(await judge(pictures)) };
  },

  /** What the page holds, after the garbage is gone. */
  async weigh() {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("HeapProfiler.collectGarbage");
    await cdp.send("Performance.enable");
    const { metrics } = await cdp.send("Performance.getMetrics");
    await cdp.detach();
    const wanted = ["Nodes", "JSEventListeners", "JSHeapUsedSize"];
    const held = metrics.filter(({ name }) => wanted.includes(name)).map(({ name, value }) => [name, value]);
    return { ...Object.fromEntries(held), elements: (await page.evaluate(() => window.watch.look())).elements };
  },

  async picture({ path }) {
    writeFileSync(path, await page.screenshot());
    return {};
  },
};

/** How bright pictures of the compositor are, as another browser sees them, behind the back of the one that is watched. */
async function judge(pictures) {
  if (pictures.length === 0) return { shots: 0 };
  const eye = await launch();
  try {
    const paper = await eye.newPage();
    let darkest = 255;
    for (let first = 0; first < pictures.length; first += 200) {
      const part = pictures.slice(first, first + 200).map((picture) => picture.data);
      const lights = await paper.evaluate(async (part) => {
        const canvas = new OffscreenCanvas(32, 18);
        const context = canvas.getContext("2d", { willReadFrequently: true });
        const lights = [];
        for (const data of part) {
          const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
          const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
          context.drawImage(bitmap, 0, 0, 32, 18);
          bitmap.close();
          const { data: pixels } = context.getImageData(0, 0, 32, 18);
          let sum = 0;
          for (let i = 0; i < pixels.length; i += 4) {
            sum += 0.2126 * pixels[i] + 0.7152 * pixels[i + 1] + 0.0722 * pixels[i + 2];
          }
          lights.push(sum / (pixels.length / 4));
        }
        return lights;
      }, part);
      darkest = Math.min(darkest, ...lights);
    }
    const seconds = pictures.at(-1).at - pictures[0].at;
    return { shots: pictures.length, shots_per_second: pictures.length / seconds, darkest_shot: darkest };
  } finally {
    await eye.close();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = await commands[name](rest);
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
