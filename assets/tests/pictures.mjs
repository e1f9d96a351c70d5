// Makes the pictures of the README from a running installation with its invented people. By hand, after
// the pages have changed:
//
//   cargo build && VOUCHSAFE=target/debug/vouchsafe node assets/tests/pictures.mjs
import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { House } from "./browser/house.mjs";
import { referrals, ZOLEKA } from "./browser/referrals.mjs";
import { launch, LOOKS, Visitor } from "./browser/visitor.mjs";

const FOLDER = fileURLToPath(new URL("../../docs/pictures", import.meta.url));
const BYTES_MAX = 150_000;
const DESK = { ...LOOKS[0], viewport: { width: 1200, height: 760 } };
const PHONE = LOOKS[2];

async function open(page, words, name) {
  await page.goto(`/patients?q=${encodeURIComponent(words)}`);
  await page.getByRole("link", { name }).click();
  await page.locator(".banner").waitFor();
}

async function take(page, name) {
  const path = join(FOLDER, `${name}.png`);
  // The focus belongs to the hand that took the picture.
  await page.evaluate(() => document.activeElement.blur());
  await page.screenshot({ path });
  const { size } = statSync(path);
  console.log(`${name}.png, ${Math.ceil(size / 1000)} kB`);
  assert.ok(size < BYTES_MAX, "too large for a page that people open");
}

mkdirSync(FOLDER, { recursive: true });
const house = await House.start();
const browser = await launch();
try {
  await house.command("import", "fhir", "rosebank", await referrals(house, "referrals"), "--source", "referrals");
  const desk = await Visitor.arrive(browser, house, DESK);
  const { page } = desk;
  await desk.signIn("nomvula@rosebank.example");
  for (const [words, name] of [["moyo", /Moyo/], ["naidoo", /Naidoo/], ["ng", /Li Ng/], ["mokoena", /Mokoena/]]) {
    await open(page, words, name);
  }
  await page.goto("/");
  await take(page, "today");
  await open(page, ZOLEKA.letters, ZOLEKA.name);
  await take(page, "patient");
  await page.locator(".ident summary").first().click();
  await page.getByLabel("Purpose").selectOption("treatment");
  await take(page, "reveal");
  await page.getByRole("button", { name: "Show and record" }).click();
  await page.locator("[data-value]").waitFor();
  await page.locator(".tabs__act").click();
  await page.getByLabel("Phone").fill("+27 82 555 0999");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".banner").waitFor();
  await page.getByRole("link", { name: "Who saw what" }).first().click();
  await page.locator(".table--acts").waitFor();
  await take(page, "who-saw-what");

  const cookies = await desk.context.storageState();
  const phone = await Visitor.arrive(browser, house, { ...PHONE, colorScheme: "dark" }, cookies);
  await open(phone.page, "mokoena", /Mokoena/);
  await take(phone.page, "phone");
  await phone.leave();
  await desk.leave();
} finally {
  await browser.close();
  await house.stop();
}
