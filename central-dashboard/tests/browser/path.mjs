// From the login to "deployed and shown", once by mouse and once by keyboard alone.
//
//   node path.mjs '{"chromium", "address", "email", "password", "group", "by", "file", "title", "sites", "tv", "colour", "folder"}'
//
// `by` is "mouse" or "keyboard"; `group` the name of a group of `sites` clubs, each with a real box; `tv` the address of
// the page of one of them; `file` a video that the library has not got; `title` what it is to be called there;
// `colour` that of its ground; a picture of every step goes to `folder`.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const asked = JSON.parse(process.argv[2]);
asked.title = new RegExp(asked.title, "i");
const browser = await chromium.launch({
  executablePath: asked.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--autoplay-policy=no-user-gesture-required"],
});
const context = await browser.newContext({ locale: "fr-FR", viewport: { width: 1280, height: 860 } });
const page = await context.newPage();
page.setDefaultTimeout(30_000);
const errors = [];
page.on("pageerror", (error) => errors.push(String(error)));
mkdirSync(asked.folder, { recursive: true });
let step = 0;

async function picture(name) {
  step += 1;
  await page.screenshot({ path: path.join(asked.folder, `${asked.by}-${step}-${name}.png`) });
}

/** What has the focus, as a screen reader names it. */
const focused = () =>
  page.evaluate(() => {
    const at = document.activeElement;
    if (!at || at === document.body) return "";
    const labels = at.labels ? [...at.labels].map((label) => label.innerText) : [];
    return [at.getAttribute("aria-label"), ...labels, at.innerText, at.getAttribute("placeholder")].filter(Boolean).join(" | ");
  });

/** The focus's frame has to be seen wherever it goes. */
async function assertVisibleFocus(what) {
  const seen = await page.evaluate(() => {
    const box = document.activeElement.getBoundingClientRect();
    return box.width > 0 && box.bottom > 0 && box.top < innerHeight;
  });
  assert.ok(seen, `${what} has the focus and is on the screen`);
}

/** Goes on with Tab until what has the focus is called so. */
async function tabTo(name, key = "Tab") {
  const passed = [];
  for (let presses = 0; presses < 120; presses += 1) {
    const now = await focused();
    if (name.test(now)) return assertVisibleFocus(now);
    passed.push(now.slice(0, 40));
    await page.keyboard.press(key);
  }
  throw new Error(`${name} is not reached with ${key}: ${passed.join(" → ")}`);
}

const byMouse = {
  async logIn() {
    await page.locator("input[type=email]").click();
    await page.keyboard.type(asked.email);
    await page.locator("input[type=password]").click();
    await page.keyboard.type(asked.password);
    await page.getByRole("button", { name: /se connecter/i }).click();
  },
  library: () => page.getByRole("link", { name: "Vidéothèque" }).first().click(),
  add: () => page.getByRole("button", { name: "Ajouter des vidéos" }).first().click(),
  open: () => page.getByRole("link", { name: asked.title }).first().click(),
  send: () => page.getByRole("link", { name: /^Envoyer/ }).or(page.getByRole("button", { name: /^Envoyer/ })).first().click(),
  choose: () => page.getByRole("checkbox", { name: new RegExp(asked.group) }).first().click(),
  go: () => page.getByRole("button", { name: /^Envoyer à/ }).click(),
};

const byKeyboard = {
  async logIn() {
    await tabTo(/e-mail/i);
    await page.keyboard.type(asked.email);
    await page.keyboard.press("Tab");
    await tabTo(/mot de passe/i);
    await page.keyboard.type(asked.password);
    await page.keyboard.press("Enter");
  },
  async library() {
    await page.keyboard.press("g");
    await page.keyboard.press("v");
  },
  async add() {
    await tabTo(/^Ajouter des vidéos/);
    await page.keyboard.press("Enter");
  },
  async open() {
    await tabTo(asked.title);
    await page.keyboard.press("Enter");
  },
  async send() {
    await tabTo(/^Envoyer/);
    await page.keyboard.press("Enter");
  },
  async choose() {
    await tabTo(new RegExp(asked.group));
    await page.keyboard.press("Space");
  },
  async go() {
    await tabTo(/^Envoyer à/);
    await page.keyboard.press("Enter");
  },
};

const hand = asked.by === "mouse" ? byMouse : byKeyboard;
if (asked.by === "keyboard") await page.addInitScript(() => addEventListener("mousedown", () => (window.touched = true), true));

try {
  await page.goto(`${asked.address}/`);
  await page.waitForURL(/\/login/);
  await page.getByRole("heading", { name: /connexion/i }).waitFor();
  await picture("login");
  await hand.logIn();
  await page.waitForURL(/\/dashboard$/);
  await page.getByText("En direct").first().waitFor();
  await picture("fleet");

  await hand.library();
  await page.waitForURL(/\/content/);
  await page.getByRole("heading", { level: 1 }).waitFor();
  const chosen = page.waitForEvent("filechooser");
  await hand.add();
  await (await chosen).setFiles(asked.file);
  await page.getByText(/Dans la vidéothèque/).first().waitFor();
  await picture("uploaded");
  await page.locator("main").getByRole("link", { name: asked.title }).first().waitFor();
  await hand.open();
  await page.waitForURL(/\/content\/[0-9a-f-]{36}/);
  await page.getByRole("heading", { level: 1, name: asked.title }).waitFor();
  await picture("video");

  await hand.send();
  await page.waitForURL(/\/send\?/);
  await page.getByRole("checkbox", { name: new RegExp(asked.group) }).first().waitFor();
  await hand.choose();
  await page.getByText(new RegExp(`${asked.sites}\\sclubs\\s:`)).first().waitFor();
  await picture("cost");
  await hand.go();
  // Ten seconds to think again, then it leaves.
  await page.waitForURL(/\/deployments/, { timeout: 30_000 });
  await page.getByText(new RegExp(`${asked.sites}.*clubs? .*ont? la vidéo|ont la vidéo`)).first().waitFor({ timeout: 60_000 });
  await page.waitForFunction((sites) => document.querySelector("h1")?.innerText.includes(String(sites)), asked.sites);
  await picture("deployed");

  const tv = await context.newPage();
  await tv.goto(asked.tv);
  // The picture itself: both clips have a plain ground of their own colour.
  await tv.waitForFunction(
    ([red, green, blue]) =>
      [...document.querySelectorAll("video")].some((video) => {
        if (video.paused || video.currentTime < 0.2 || video.videoWidth === 0) return false;
        const canvas = new OffscreenCanvas(8, 8).getContext("2d");
        canvas.drawImage(video, 0, 0, 8, 8);
        const seen = canvas.getImageData(0, 0, 1, 1).data;
        return Math.abs(seen[0] - red) + Math.abs(seen[1] - green) + Math.abs(seen[2] - blue) < 60;
      }),
    asked.colour,
    { timeout: 60_000 },
  );
  await tv.screenshot({ path: path.join(asked.folder, `${asked.by}-tv.png`) });
  if (asked.by === "keyboard") assert.notEqual(await page.evaluate(() => window.touched), true, "no mouse was used");
  assert.deepEqual(errors, []);
} catch (error) {
  await picture("failed");
  throw error;
} finally {
  await browser.close();
}
console.log(JSON.stringify({ by: asked.by, steps: step }));
