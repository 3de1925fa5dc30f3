// The dashboard on one host, the API on another that is no relation of it, TLS in front of both, third-party cookies
// blocked: log in, reload, a live update, a second tab, log out, log in with a code. Once with the partitioned cookie,
// once with none.
//
//   node foreign.mjs '{"chromium", "folder", "dist", "port", "email", "password"}'
//
// `port` is the API's, on loopback and without TLS; `dist` a dashboard built with NG_APP_API_URL=https://api.neopro.test;
// `folder` one for what is written here. Names lead to this machine by a rule of the browser alone.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import path from "node:path";
import { chromium } from "playwright-core";
import { freshCode } from "./codes.mjs";

const asked = JSON.parse(process.argv[2]);
const PAGES = "tableau.example";
const API = "api.neopro.test";
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2" };

/** A key and a certificate for both names. */
function certificate() {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => path.join(asked.folder, name));
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"].concat(
      ["-subj", "/CN=neopro tests", "-addext", `subjectAltName=DNS:${PAGES},DNS:${API}`],
      ["-keyout", key, "-out", cert],
    ),
    { stdio: "pipe" },
  );
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

/** A static host, as the guide's step 7 makes one: every unknown path is the page. */
function host(tls) {
  return https.createServer(tls, (request, response) => {
    const asks = path.join(asked.dist, path.normalize(new URL(request.url, "https://x").pathname));
    const file = existsSync(asks) && statSync(asks).isFile() ? asks : path.join(asked.dist, "index.html");
    response.setHeader("content-type", KINDS[path.extname(file)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
  });
}

/** What stands before the API: TLS, and what it changes of the answers' cookies. */
function front(tls, cookies) {
  return https.createServer(tls, (request, response) => {
    const headers = { ...request.headers, "x-forwarded-proto": "https" };
    const to = { host: "127.0.0.1", port: asked.port, method: request.method, path: request.url, headers };
    const passed = http.request(to, (answer) => {
      const changed = cookies(answer.headers["set-cookie"]);
      if (changed) answer.headers["set-cookie"] = changed;
      else delete answer.headers["set-cookie"];
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
}

const listen = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

/** The API, without the browser: a program's way. */
async function api(method, route, body, token) {
  const answer = await fetch(`http://127.0.0.1:${asked.port}${route}`, {
    method,
    headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  assert.ok(answer.ok, `${method} ${route}: ${answer.status}`);
  return answer.json();
}

async function logIn(page, code) {
  await page.waitForURL(/\/login/);
  await page.locator("input[type=email]").fill(asked.email);
  await page.locator("input[type=password]").fill(asked.password);
  await page.keyboard.press("Enter");
  if (code) {
    await page.locator("input[name=mfa_token]").fill(await code());
    await page.keyboard.press("Enter");
  }
  await page.waitForURL(/\/dashboard$/);
}

async function logOut(page) {
  await page.getByRole("button", { name: /menu|compte|account/i }).first().click();
  await page.getByText(/se déconnecter/i).first().click();
  await page.waitForURL(/\/login/);
}

/** The same with a code, which serves once: the page must not need two. */
async function withCode(page, token) {
  const { manualEntryKey, backupCodes } = await api("POST", "/api/mfa/setup", {}, token);
  await api("POST", "/api/mfa/enable", { code: await freshCode(manualEntryKey) }, token);
  await logIn(page, () => freshCode(manualEntryKey));
  await page.reload();
  await page.getByText("En direct").first().waitFor();
  await logOut(page);
  await api("POST", "/api/mfa/disable", { code: backupCodes[0] }, token);
}

/** A person's day, with what the front does to cookies. */
async function day(name, { cookies, secondTab }) {
  const tls = certificate();
  const [pages, before] = [host(tls), front(tls, cookies)];
  const [pagesPort, apiPort] = [await listen(pages), await listen(before)];
  const rules = `MAP ${PAGES}:443 127.0.0.1:${pagesPort}, MAP ${API}:443 127.0.0.1:${apiPort}`;
  const context = await chromium.launchPersistentContext(path.join(asked.folder, name), {
    executablePath: asked.chromium,
    locale: "fr-FR",
    ignoreHTTPSErrors: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", `--host-resolver-rules=${rules}`].concat(
      // What people choose under "block third-party cookies".
      ["--test-third-party-cookie-phaseout"],
    ),
  });
  try {
    const token = (await api("POST", "/api/auth/login", { email: asked.email, password: asked.password })).token;
    const page = await context.newPage();
    await page.goto(`https://${PAGES}/sites`);
    await page.waitForURL(/\/login\?returnUrl=/);
    await page.goto(`https://${PAGES}/`);
    await logIn(page);

    // The control: a third-party cookie of the usual kind does not come back, so blocking is on.
    const plain = await page.evaluate(async (origin) => {
      await fetch(`${origin}/api/health?plain`, { credentials: "include" });
      return true;
    }, `https://${API}`);
    assert.ok(plain);
    const kept = await context.cookies(`https://${API}`);
    assert.ok(!kept.some((cookie) => cookie.name === "control"), "an ordinary third-party cookie is refused");

    for (let reload = 0; reload < 3; reload += 1) {
      await page.reload();
      await page.getByText("En direct").first().waitFor();
      assert.match(page.url(), /\/dashboard$/, `${name}: reload ${reload}`);
    }
    // A reload that cuts off whatever is asked for at that moment.
    for (let reload = 0; reload < 5; reload += 1) {
      await page.goto(`https://${PAGES}/dashboard`, { waitUntil: "commit" });
      await page.waitForTimeout(60 * reload);
    }
    await page.reload();
    await page.getByText("En direct").first().waitFor();

    await page.goto(`https://${PAGES}/sites`);
    await page.getByText("En direct").first().waitFor();
    const club = `Club ${name} ${Date.now()}`;
    await api("POST", "/api/sites", { site_name: club, club_name: club }, token);
    // It says so at once, and moves no row under the pointer before it is told to; where there is none, it shows it.
    const pill = page.getByText(/actualiser l/);
    await pill.or(page.getByText(club)).first().waitFor({ timeout: 10_000 });
    if (await pill.isVisible()) await pill.click();
    await page.getByText(club).first().waitFor({ timeout: 10_000 });

    const tab = await context.newPage();
    await tab.goto(`https://${PAGES}/groups`);
    await (secondTab ? tab.getByText("En direct").first().waitFor() : tab.waitForURL(/\/login/));
    await tab.close();

    await logOut(page);
    await page.goto(`https://${PAGES}/dashboard`);
    await page.waitForURL(/\/login/);
    await withCode(page, token);
    return kept.map(({ name, partitionKey }) => ({ name, partitioned: Boolean(partitionKey) }));
  } finally {
    await context.close();
    pages.close();
    before.close();
  }
}

/** An ordinary third-party cookie beside those of the API, which the browser has to refuse. */
const withControl = (cookies) => [...(cookies ?? []), "control=1; Path=/; Secure; HttpOnly; SameSite=None"];
const seen = await day("partitioned", { cookies: withControl, secondTab: true });
assert.deepEqual(
  seen.filter((cookie) => cookie.name === "neopro_token").map((cookie) => cookie.partitioned),
  [true],
  "the session's cookie is there and partitioned",
);
assert.deepEqual(await day("none", { cookies: () => undefined, secondTab: false }), [], "no cookie at all");
console.log(JSON.stringify({ cookies: seen }));
