// A person's own account, from the link of a new server's log on: the first account, a second factor, logins with codes
// and backup codes, sessions, tokens, another password, and the way back when it is forgotten.
//
//   node account.mjs '{"chromium", "address", "link", "mail", "folder"}'
//
// `link` is the one for the first account; `mail` the folder into which the server writes what it would send; a picture
// of every step goes to `folder`.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { freshCode } from "./codes.mjs";

const asked = JSON.parse(process.argv[2]);
const EMAIL = "lea@club-vitre.fr";
const passwords = ["agrafe piscine cheval", "tilleul boussole ruban", "lampe ardoise sapin"];
const browser = await chromium.launch({
  executablePath: asked.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
mkdirSync(asked.folder, { recursive: true });
const errors = [];
let step = 0;

async function newPage() {
  const context = await browser.newContext({ locale: "fr-FR", viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => errors.push(String(error)));
  return page;
}

const page = await newPage();

async function picture(name) {
  step += 1;
  await page.screenshot({ path: path.join(asked.folder, `${step}-${name}.png`) });
}

const button = (name) => page.getByRole("button", { name });
const heading = (name) => page.getByRole("heading", { level: 1, name });

async function password(typed, at = page) {
  await at.waitForURL(/\/login/);
  await at.locator("input[type=email]").fill(EMAIL);
  await at.locator("input[type=password]").fill(typed);
  await at.keyboard.press("Enter");
}

async function logOut() {
  await page.getByRole("button", { name: /^Compte/ }).click();
  await page.getByRole("menuitem", { name: "Se déconnecter" }).click();
  await page.waitForURL(/\/login/);
}

async function openAccount() {
  await page.getByRole("button", { name: /^Compte/ }).click();
  await page.getByRole("menuitem", { name: "Mon compte" }).click();
  await page.waitForURL(/\/profile$/);
}

const codeInput = (at = page) => at.locator("input[name=mfa_token]");

/** The newest mail. */
function mail() {
  const files = readdirSync(asked.mail, { recursive: true }).map((name) => path.join(asked.mail, String(name)));
  const texts = files.filter((file) => statSync(file).isFile()).sort();
  return texts.length > 0 ? readFileSync(texts.at(-1), "utf8") : "";
}

async function linkIn(pattern) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = pattern.exec(mail());
    if (found) return found[0];
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`no mail has ${pattern}: ${mail()}`);
}

async function theFirstAccount() {
  await page.goto(asked.link);
  await heading("Créez le premier compte").waitFor();
  await button("Créer le compte").click();
  assert.equal(await page.locator(".error-summary li").count(), 3, "all that is missing is said at once");
  await page.getByLabel("Nom et prénom").fill("Léa Morvan");
  await page.locator("input[name=email]").fill(EMAIL);
  await page.locator("input[name=password]").fill(passwords[0]);
  await page.getByText("Très bon mot de passe.").waitFor();
  await picture("first-account");
  await button("Créer le compte").click();
  await heading("Le premier compte est créé").waitFor();
  await page.goto(asked.link);
  await heading("Ce lien n’est plus valable").waitFor();
}

/** Sets a second factor up; its key and its backup codes. */
async function secondFactor() {
  await page.goto(`${asked.address}/login?returnUrl=/sites`);
  await password(passwords[0]);
  await page.waitForURL(/\/sites$/);
  await openAccount();
  await heading("Votre compte ne tient qu’à un mot de passe").waitFor();
  await button("Mettre en place").click();
  const dialog = page.getByRole("dialog");
  const key = await dialog.locator(".set-up-key code").innerText();
  assert.match(await dialog.locator(".qr img").getAttribute("src"), /^data:image\//);
  await picture("scan");
  await button("Continuer").click();
  const codes = await dialog.locator(".backup-codes li").allInnerTexts();
  assert.equal(codes.length, 8);
  assert.ok(await button("Continuer").isDisabled(), "the codes have to be kept first");
  await picture("backup-codes");
  await dialog.getByLabel("Je les ai gardés en lieu sûr.").check();
  await button("Continuer").click();
  assert.ok(await codeInput().evaluate((one) => one === document.activeElement), "the focus is in the field");
  const right = await freshCode(key);
  await codeInput().fill(right === "000000" ? "000001" : "000000");
  await page.keyboard.press("Enter");
  await dialog.getByText("Ce code n’est pas le bon").first().waitFor();
  await picture("wrong-code");
  await codeInput().fill(right);
  await page.keyboard.press("Enter");
  await heading("Votre compte est protégé par la double authentification").waitFor();
  await picture("protected");
  return { key, codes };
}

async function loginWithCode(key) {
  await logOut();
  await password(passwords[0]);
  await heading("Votre code de vérification").waitFor();
  // Whoever looks at the application may find the page thrown away meanwhile.
  await page.reload();
  await heading("Votre code de vérification").waitFor();
  assert.equal(await page.title(), "Votre code de vérification · NeoPro");
  assert.equal(await codeInput().getAttribute("autocomplete"), "one-time-code");
  await page.keyboard.press("Enter");
  await page.getByText("Saisissez les 6 chiffres du code.").first().waitFor();
  const code = await freshCode(key);
  await codeInput().fill(`Code : ${code.slice(0, 3)} ${code.slice(3)}`);
  assert.equal(await codeInput().inputValue(), code, "what is pasted around it goes");
  await picture("code-step");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/dashboard$/);
  assert.equal(await page.evaluate(() => sessionStorage.getItem("neopro.login")), null, "nothing of the step is kept");
  await page.reload();
  await page.getByText("En direct").first().waitFor();
}

/** One's own name, by the keyboard alone. */
async function name() {
  await openAccount();
  const open = page.locator("section", { has: page.getByRole("heading", { name: "Identité" }) }).getByRole("button", { name: "Modifier" });
  const hasFocus = (one) => one.evaluate((element) => element === document.activeElement);
  await open.focus();
  await page.keyboard.press("Enter");
  const field = page.getByRole("dialog").getByLabel("Nom", { exact: true });
  assert.ok(await hasFocus(field), "the focus goes in");
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.ok(await hasFocus(open), "and comes back");
  await page.keyboard.press("Enter");
  await field.fill("  ");
  await page.keyboard.press("Enter");
  await page.locator("[data-field=full_name] .field-error").waitFor();
  await field.fill("Léa Morvan-Le Gall");
  await picture("name");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^Compte.*Léa Morvan-Le Gall/ }).waitFor();
  assert.ok(await hasFocus(open), "also when it is done");
  await page.locator(".toast").getByRole("button", { name: "Annuler" }).click();
  await page.getByRole("button", { name: /^Compte.*Léa Morvan Super/ }).waitFor();
}

/** The menus of the frame, by the keyboard alone. */
async function menus() {
  const theme = page.getByRole("banner").getByRole("button", { name: "Thème" });
  await theme.focus();
  await page.keyboard.press("ArrowDown");
  // The browser shows a menu first, and tells of it then.
  const entered = () => page.waitForFunction(() => document.activeElement.role?.startsWith("menuitem"));
  await entered();
  const now = () => page.evaluate(() => [document.activeElement.role, document.activeElement.innerText.trim()]);
  const first = await now();
  assert.equal(first[0], "menuitemradio");
  await page.keyboard.press("ArrowDown");
  assert.notDeepEqual(await now(), first, "the arrows move");
  await page.keyboard.press("Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  assert.ok(await theme.evaluate((one) => one === document.activeElement), "the focus comes back");
  await page.keyboard.press("Enter");
  await entered();
  // Tab leaves it.
  await page.keyboard.press("Tab");
  await page.getByRole("menu").waitFor({ state: "detached" });
}

async function loginWithBackupCode(at, typed, code) {
  await password(typed, at);
  await at.getByRole("button", { name: /utiliser un code de secours/ }).click();
  await codeInput(at).fill(code.toLowerCase().replace("-", " "));
  await at.keyboard.press("Enter");
}

/** Five wrong codes shut the step: the password again. */
async function tooManyCodes(codes) {
  await logOut();
  await password(passwords[0]);
  await heading("Votre code de vérification").waitFor();
  for (let tries = 0; tries < 6; tries += 1) {
    await button(/code de secours/).click();
    await codeInput().fill("AAAA-0000");
    await page.keyboard.press("Enter");
    await page.locator(".error-summary").waitFor();
    if (await button("Recommencer").isVisible()) break;
    await button(/le code de l’application/).click();
  }
  await picture("too-many-codes");
  await button("Recommencer").click();
  assert.equal(await page.locator("input[type=email]").inputValue(), EMAIL, "the address is still there");
  await loginWithBackupCode(page, passwords[0], codes[0]);
  await entered();
}

/** Whoever was wrong often has to wait, is told for how long, and gets in then. */
async function entered() {
  const go = button("Se connecter");
  const waits = button(/^Réessayer dans/);
  await page.waitForURL(/\/dashboard$/).catch(async (error) => {
    if (!(await go.or(waits).isVisible())) throw error;
    await go.click({ timeout: 60_000 });
    await page.waitForURL(/\/dashboard$/);
  });
}

/** A session elsewhere is seen, and ended while it is looked at. */
async function sessions(codes) {
  const other = await newPage();
  await other.goto(`${asked.address}/`);
  await loginWithBackupCode(other, passwords[0], codes[1]);
  await other.getByText("En direct").first().waitFor();
  await openAccount();
  await page.getByText("Il reste 6 codes de secours.").waitFor();
  await page.getByText("Cette session").waitFor();
  const rows = page.locator(".entry", { has: page.getByRole("button", { name: /^Terminer/ }) });
  await rows.first().waitFor();
  await picture("sessions");
  await rows.first().getByRole("button").click();
  await other.waitForURL(/\/login/);
  await other.getByText("Votre session est terminée.").waitFor();
  await other.context().close();
}

async function tokens() {
  await button("Créer un jeton").click();
  await button("Créer le jeton").click();
  await page.getByText("Donnez un nom au jeton.").first().waitFor();
  await page.getByLabel("Nom", { exact: false }).first().fill("Inventaire");
  await picture("token");
  await button("Créer le jeton").click();
  const token = await page.getByRole("dialog").locator(".token code").innerText();
  assert.match(token, /^npt_[A-Za-z0-9_-]{43}$/);
  await picture("token-made");
  const close = page.getByRole("dialog").getByRole("button", { name: "Fermer" });
  assert.ok(await close.isDisabled(), "it has to be kept first");
  await page.getByLabel("Je l’ai enregistré.").check();
  await close.click();
  const reach = async () => (await fetch(`${asked.address}/api/sites`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.equal(await reach(), 200);
  await page.locator(".entry", { hasText: "Inventaire" }).getByRole("button").click();
  await page.getByRole("dialog").locator("input").fill("inventaire");
  await button("Révoquer définitivement").click();
  await page.getByText("Aucun jeton").waitFor();
  assert.equal(await reach(), 401);
}

async function anotherPassword() {
  await page.getByLabel("Mot de passe actuel").fill("un autre que celui-là");
  await page.getByLabel("Nouveau mot de passe").fill(passwords[1]);
  await button("Changer le mot de passe").click();
  await page.locator("[data-field=current_password] .field-error").waitFor();
  await picture("wrong-password");
  await page.getByLabel("Mot de passe actuel").fill(passwords[0]);
  await button("Changer le mot de passe").click();
  await page.getByText("Le mot de passe a été changé.").first().waitFor();
  assert.match(page.url(), /\/profile$/, "this session goes on");
}

async function forgotten(codes) {
  await logOut();
  assert.equal(await page.locator(".toast").count(), 0, "what was said to somebody goes with them");
  await page.getByRole("link", { name: "Mot de passe oublié ?" }).click();
  // The page before has a field of this name as well.
  await heading("Mot de passe oublié").waitFor();
  await page.locator("input[name=email]").fill(EMAIL.toUpperCase());
  await button("Envoyer le lien").click();
  await heading("Consultez votre messagerie").waitFor();
  await picture("mail-sent");
  const link = await linkIn(/http\S*\/reset-password\?token=[A-Za-z0-9_-]+/);
  await page.goto(link);
  await heading("Choisissez un nouveau mot de passe").waitFor();
  await page.locator("input[name=password]").fill("motdepasse");
  await button("Enregistrer le mot de passe").click();
  await page.locator("[data-field=password] .field-error").waitFor();
  await page.locator("input[name=password]").fill(passwords[2]);
  await picture("reset");
  await button("Enregistrer le mot de passe").click();
  await heading("Votre mot de passe a été changé").waitFor();
  await page.goto(link);
  await heading("Ce lien n’est plus valable").waitFor();
  await page.getByRole("link", { name: "Aller à la connexion" }).click();
  await loginWithBackupCode(page, passwords[2], codes[2]);
  await page.waitForURL(/\/dashboard$/);
}

async function withoutSecondFactor(codes) {
  await openAccount();
  await button("Désactiver").click();
  await button(/utiliser un code de secours/).click();
  await codeInput().fill(codes[3]);
  await page.getByRole("dialog").getByRole("button", { name: "Désactiver" }).click();
  await heading("Votre compte ne tient qu’à un mot de passe").waitFor();
  await logOut();
  await password(passwords[2]);
  await page.waitForURL(/\/dashboard$/);
}

try {
  await theFirstAccount();
  const { key, codes } = await secondFactor();
  await loginWithCode(key);
  await name();
  await menus();
  await tooManyCodes(codes);
  await sessions(codes);
  await tokens();
  await anotherPassword();
  await forgotten(codes);
  await withoutSecondFactor(codes);
  assert.deepEqual(errors, []);
} catch (error) {
  await picture("failed");
  throw error;
} finally {
  await browser.close();
}
console.log(JSON.stringify({ steps: step }));
