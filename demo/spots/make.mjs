// Makes the clips of ../media out of spots.js: each picture is drawn by Chromium and all are encoded by ffmpeg.
//   node make.mjs <font file of Outfit> [name…]
// playwright-core is taken from box/tests/js (`cargo xtask test` installs it there).

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SPOTS } from "./spots.js";

const RATE = 25;
/** What a clip is to have at most, about. */
const BYTES = 140_000;
const here = (path) => new URL(path, import.meta.url).pathname;
const { chromium } = createRequire(here("../../box/tests/js/package.json"))("playwright-core");
const [font, ...names] = process.argv.slice(2);

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
await page.setContent(`<style>@font-face { font-family: Outfit; font-weight: 100 900; src: url(data:font/woff2;base64,${readFileSync(font, "base64")}) }
  body { margin: 0; overflow: hidden } svg { display: block; font-family: Outfit; letter-spacing: -0.015em }</style><div id="at"></div>`);
await page.evaluate(() => document.fonts.load("650 40px Outfit"));

async function picture(draw, t, options) {
  const svg = `<svg width="1280" height="720" viewBox="0 0 1280 720">${draw(t)}</svg>`;
  await page.evaluate((svg) => { document.getElementById("at").innerHTML = svg; }, svg);
  return page.screenshot(options);
}

for (const [name, seconds, moment, draw] of SPOTS.filter(([name]) => !names.length || names.includes(name))) {
  if (seconds) {
    const draft = join(tmpdir(), `spot-${process.pid}.mkv`);
    const encoder = spawn("ffmpeg", ["-v", "error", "-y", "-f", "image2pipe", "-framerate", `${RATE}`, "-c:v", "png", "-i", "-",
      "-c:v", "ffv1", draft], { stdio: ["pipe", "inherit", "inherit"] });
    for (let frame = 0; frame < seconds * RATE; frame += 1) {
      if (!encoder.stdin.write(await picture(draw, frame / RATE, {}))) await once(encoder.stdin, "drain");
    }
    encoder.stdin.end();
    const [code] = await once(encoder, "exit");
    if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
    // Twice over, so that each spot has its share of bytes where it moves.
    for (const pass of ["1", "2"]) {
      execFileSync("ffmpeg", ["-v", "error", "-y", "-i", draft, "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
        "-c:v", "libx264", "-profile:v", "main", "-level", "3.1", "-preset", "veryslow", "-tune", "animation", "-g", "75",
        "-b:v", `${Math.floor(BYTES * 8 / seconds)}`, "-pass", pass, "-passlogfile", draft, "-colorspace", "bt709",
        "-color_primaries", "bt709", "-color_trc", "bt709", "-an", "-movflags", "+faststart",
        ...(pass === "1" ? ["-f", "null", "-"] : [here(`../media/${name}.mp4`)])]);
    }
    for (const end of ["", "-0.log", "-0.log.mbtree"]) rmSync(draft + end, { force: true });
  } else {
    writeFileSync(here(`../media/${name}.jpg`), await picture(draw, 0, { type: "jpeg", quality: 82 }));
  }
  const still = here(`../media/${name}.thumbnail.jpg`);
  execFileSync("ffmpeg", ["-v", "error", "-y", "-i", "-", "-vf", "scale=480:270", "-q:v", "9", still], { input: await picture(draw, moment, {}) });
}
await browser.close();
