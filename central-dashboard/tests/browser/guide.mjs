// The checklist of the production guide's step 10.5, ticked in a browser: each of its lines is one act here, and a line
// without an act fails. Server and dashboard are at the guide's own addresses; who starts this sees to it that they lead
// somewhere.
//
//   node guide.mjs '{"chromium", "mark", "root", "folder", "server", "dashboard", "people", "video", "agent", "lines"}'
//
// `mark` is the hash of the key of the services' certificate, which no public authority has signed, and `root` the file of
// the authority that has; `people` are the administrators of step 9, `[{option, email, password}]`; `video` a file; `agent`
// a box of NeoPro 1 (tests/js/agent.mjs); `lines` the checklist. Pictures go to `folder`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const asked = JSON.parse(process.argv[2]);
mkdirSync(asked.folder, { recursive: true });
const profile = mkdtempSync(path.join(tmpdir(), "neopro-guide-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: asked.chromium,
  locale: "fr-FR",
  viewport: { width: 1280, height: 860 },
  reducedMotion: "reduce",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server"].concat(
    `--ignore-certificate-errors-spki-list=${asked.mark}`,
  ),
});
// For a busy machine: nothing here is measured.
context.setDefaultTimeout(60_000);
const SERVER = new URL(asked.server);
const DASHBOARD = new URL(asked.dashboard);
const hosts = new Set();
const faults = [];
context.on("request", (request) => {
  if (/^(https?|wss?):/.test(request.url())) hosts.add(new URL(request.url()).host);
});

async function open(address) {
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error}`));
  page.on("console", (message) => {
    // Whose session it is, is asked before anybody has one.
    if (message.type() === "error" && !/status of 401/.test(message.text())) faults.push(`${page.url()}: ${message.text()}`);
  });
  const answer = await page.goto(address);
  return { page, answer };
}

let pictures = 0;
async function picture(page, name) {
  pictures += 1;
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: path.join(asked.folder, `${pictures}-${name}.png`) });
}

async function logIn(page, { email, password }) {
  await page.waitForURL(/\/login/);
  await page.locator("input[type=email]").fill(email);
  await page.locator("input[type=password]").fill(password);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/dashboard$/);
  await page.getByText("En direct").first().waitFor();
}

async function logOut(page) {
  await page.getByRole("button", { name: /menu|compte|account/i }).first().click();
  await page.getByText(/se déconnecter/i).first().click();
  await page.waitForURL(/\/login/);
}

/** A page of the menu: its heading and, as there is nothing yet, the sentence that says so. */
async function looksEmpty(page, address, sentence) {
  await page.goto(new URL(address, asked.dashboard).href);
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  if (sentence) await page.getByText(sentence).first().waitFor();
  // Nothing that still waits, and no error in the place of data.
  await page.waitForFunction(() => !document.querySelector("main [aria-busy=true]"));
  assert.equal(await page.getByRole("alert").count(), 0, `${address} shows an error`);
  await picture(page, `vide${address.replaceAll("/", "-")}`);
}

/** A club by the form; its box connects with the key that is shown once, and the page sees it. */
async function makeClub(page) {
  await page.goto(new URL("/sites/new", asked.dashboard).href);
  for (const [name, value] of [
    ["club_name", "Handball Vitré"],
    ["site_name", "Gymnase des Ormeaux"],
    ["city", "Vitré"],
    ["region", "Bretagne"],
  ]) {
    await page.locator(`[name=${name}]`).fill(value);
  }
  await page.getByRole("button", { name: "Créer le club et sa clé" }).click();
  const conf = await page.locator("pre.conf").innerText();
  const value = (name) => conf.match(new RegExp(`^${name}=(.*)$`, "m"))?.[1].replaceAll('"', "");
  const [site, key, central] = [value("SITE_ID"), value("SITE_API_KEY"), value("CENTRAL_SERVER_URL")];
  assert.ok(site && key, conf);
  assert.equal(new URL(central).origin, SERVER.origin, "the box is told the server's address, not the dashboard's");
  await page.getByText("Je l’ai enregistrée.").click();
  await page.getByRole("button", { name: "Continuer" }).click();
  await page.getByText("En attente du premier contact").waitFor();
  const box = startBox(central, site, key);
  await box.says("authenticated");
  await page.getByText("Le boîtier a donné signe de vie").waitFor();
  await picture(page, "premier-contact");
  return box;
}

/** A box of NeoPro 1, by WebSocket through the platform's front; it believes the services' authority as Node does. */
function startBox(address, site, key) {
  const folder = mkdtempSync(path.join(tmpdir(), "neopro-guide-box-"));
  const child = spawn("node", [asked.agent, address, site, key, "websocket", folder], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: asked.root },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const heard = [];
  let waiting = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    heard.push(JSON.parse(line));
    waiting = waiting.filter(({ event, resolve }) => {
      const found = heard.find((said) => said.event === event);
      if (found) resolve(found.data);
      return !found;
    });
  });
  const says = (event) =>
    new Promise((resolve, reject) => {
      const found = heard.find((said) => said.event === event);
      if (found) return resolve(found.data);
      waiting.push({ event, resolve });
      setTimeout(() => reject(new Error(`the box does not say ${event}: ${JSON.stringify(heard)}`)), 60_000).unref();
    });
  return { says, end: () => child.kill() };
}

/** A file on its way: from the browser into the storage, from there onto the box. */
async function sendVideo(page, box) {
  await page.goto(new URL("/content", asked.dashboard).href);
  const chosen = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Ajouter des vidéos" }).first().click();
  await (await chosen).setFiles(asked.video);
  await page.getByText(/Dans la vidéothèque/).first().waitFor();
  await picture(page, "video");
  const title = new RegExp(path.basename(asked.video, path.extname(asked.video)), "i");
  await page.locator("main").getByRole("link", { name: title }).first().click();
  await page.waitForURL(/\/content\/[0-9a-f-]{36}/);
  await page.getByRole("link", { name: /^Envoyer/ }).or(page.getByRole("button", { name: /^Envoyer/ })).first().click();
  await page.waitForURL(/\/send\?/);
  await page.getByRole("checkbox", { name: /Handball Vitré/ }).first().click();
  await page.getByRole("button", { name: /^Envoyer à/ }).click();
  await page.waitForURL(/\/deployments/, { timeout: 60_000 });
  const done = await box.says("done");
  assert.equal(done.type, "deploy_video");
  await page.getByText("Le club a la vidéo").first().waitFor();
  await picture(page, "deploye");
}

/** What a person does for each line of the checklist, and what he sees then. */
const ACTS = {
  "Health check retourne `healthy`": async () => {
    const { page, answer } = await open(new URL("/health", asked.server).href);
    const shown = JSON.parse(await page.locator("body").innerText());
    assert.equal(answer.status(), 200);
    assert.equal(shown.status, "healthy", JSON.stringify(shown));
    await page.close();
    return shown.version;
  },

  "Dashboard accessible": async () => {
    hosts.clear();
    const { page, answer } = await open(asked.dashboard);
    await page.waitForURL(/\/login/);
    await page.getByRole("heading", { name: "Connexion" }).waitFor();
    assert.equal(answer.status(), 200);
    await picture(page, "connexion");
    // An address within, opened anew: the rule of step 7.4.
    const within = await page.goto(new URL("/sites", asked.dashboard).href);
    assert.equal(within.status(), 200);
    await page.waitForURL(/\/login\?returnUrl=/);
    assert.deepEqual([...hosts].sort(), [SERVER.host, DASHBOARD.host].sort(), "nobody else is asked");
    await page.close();
    return [...hosts];
  },

  "Login fonctionne avec l'admin": async () => {
    const ways = [];
    for (const address of [asked.dashboard, asked.server]) {
      for (const person of asked.people) {
        const { page } = await open(address);
        const allowed = page.waitForResponse((answer) => answer.url() === `${SERVER.origin}/api/auth/login` && answer.request().method() === "POST");
        await logIn(page, person);
        const origin = (await allowed).headers()["access-control-allow-origin"];
        if (address === asked.dashboard) assert.equal(origin, DASHBOARD.origin, "the server lets this origin in");
        // F5: the session is still there.
        await page.reload();
        await page.getByText("En direct").first().waitFor();
        assert.match(page.url(), /\/dashboard$/);
        await logOut(page);
        await page.close();
        ways.push(`${person.option} @ ${new URL(address).host}`);
      }
    }
    assert.equal(ways.length, 4);
    return ways;
  },

  "Dashboard affiche les données (même vides)": async () => {
    const { page } = await open(asked.dashboard);
    // Who may see every page: the account that the command has made.
    await logIn(page, asked.people[0]);
    await looksEmpty(page, "/dashboard", "Aucun club pour l’instant");
    await looksEmpty(page, "/sites", "Aucun club pour l’instant");
    await looksEmpty(page, "/groups", "Aucun groupe pour l’instant");
    await looksEmpty(page, "/content", "Aucune vidéo pour l’instant");
    await looksEmpty(page, "/deployments", "Aucun déploiement pour l’instant");
    await looksEmpty(page, "/admin/agencies", "Aucune agence pour l’instant");
    for (const address of ["/send", "/admin/users", "/admin/audit", "/admin/security", "/profile"]) {
      await looksEmpty(page, address);
    }
    const box = await makeClub(page);
    try {
      await sendVideo(page, box);
    } finally {
      box.end();
    }
    await page.goto(new URL("/sites", asked.dashboard).href);
    await page.getByText("Handball Vitré").first().waitFor();
    await logOut(page);
    await page.close();
    return "vides, puis un club, son boîtier et une vidéo";
  },

  "Documentation API accessible": async () => {
    hosts.clear();
    const { page } = await open(new URL("/api-docs", asked.server).href);
    await page.locator(".opblock").first().waitFor();
    const described = await page.evaluate(async () => {
      const { paths } = await (await fetch("/api-docs/openapi.json")).json();
      const methods = ["get", "post", "put", "patch", "delete"];
      return Object.values(paths).flatMap((path) => Object.keys(path).filter((name) => methods.includes(name))).length;
    });
    await page.waitForFunction((count) => document.querySelectorAll(".opblock").length === count, described);
    assert.ok(described > 50, String(described));
    assert.deepEqual([...hosts], [SERVER.host], "nobody else is asked");
    await picture(page, "api-docs");
    await page.close();
    return described;
  },
};

const ticks = {};
try {
  for (const line of asked.lines) {
    assert.ok(ACTS[line], `the checklist has a line that nobody acts on: ${line}`);
    ticks[line] = await ACTS[line]();
  }
  assert.equal(Object.keys(ticks).length, Object.keys(ACTS).length, "the guide's checklist has lost a line");
  assert.deepEqual(faults, [], "what the console says");
} catch (error) {
  for (const page of context.pages()) await page.screenshot({ path: path.join(asked.folder, "failed.png") }).catch(() => {});
  throw error;
} finally {
  await context.close();
}
console.log(JSON.stringify({ ticks, pictures }));
