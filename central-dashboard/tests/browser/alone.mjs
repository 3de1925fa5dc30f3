// Option B of step 9 makes an admin. The page of accounts tells him how somebody may manage them; he does what it says, and
// may.
//
//   node alone.mjs '{"chromium", "address", "email", "password", "program", "database", "folder"}'
//
// `program` is the server's, which stands where the command of the page looks for it; `database` is its DATABASE_URL.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const asked = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: asked.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
mkdirSync(asked.folder, { recursive: true });

/** The page of accounts, as somebody who has just logged in finds it. */
async function accounts() {
  const context = await browser.newContext({ locale: "fr-FR", viewport: { width: 1280, height: 860 }, reducedMotion: "reduce" });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${asked.address}/login`);
  await page.locator("input[type=email]").fill(asked.email);
  await page.locator("input[type=password]").fill(asked.password);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
  await page.getByRole("link", { name: "Utilisateurs" }).click();
  await page.getByRole("heading", { level: 1, name: "1 compte" }).waitFor();
  return page;
}

try {
  const before = await accounts();
  const alone = before.locator(".alone");
  await alone.getByText("Personne ne peut gérer les comptes").waitFor();
  assert.equal(await before.getByRole("button", { name: "Ajouter une personne" }).count(), 0);
  await before.screenshot({ path: path.join(asked.folder, "alone.png") });
  const [command, statement] = await alone.locator("code").allInnerTexts();
  assert.equal(statement, `UPDATE users SET role = 'super_admin' WHERE email = '${asked.email}';`);
  await alone.getByRole("button").first().click();
  const copied = await before.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, command, "what is copied is what is shown");

  const [program, ...words] = copied.split(" ");
  assert.equal(program, "./target/release/neopro-central");
  const env = { PATH: process.env.PATH, DATABASE_URL: asked.database };
  const said = execFileSync(asked.program, words, { env, encoding: "utf8" });
  assert.match(said, /super_admin/);

  const after = await accounts();
  await after.getByRole("button", { name: "Ajouter une personne" }).waitFor();
  assert.equal(await after.locator(".alone").count(), 0, "somebody rules");
  console.log(JSON.stringify({ command, statement }));
} finally {
  await browser.close();
}
