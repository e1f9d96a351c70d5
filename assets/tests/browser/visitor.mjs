// Somebody at a browser: signs in, and notices what a page complains of.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { PATIENCE_MS } from "./house.mjs";

// Given to the page beside its own scripts: its policy, which forbids any other, stays as it is.
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const DESK = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

/** Every look that a page is checked in. */
export const LOOKS = [
  { name: "desk, light", viewport: DESK, colorScheme: "light" },
  { name: "desk, dark", viewport: DESK, colorScheme: "dark" },
  { name: "phone, light", viewport: PHONE, colorScheme: "light", isMobile: true, hasTouch: true },
  { name: "phone, dark", viewport: PHONE, colorScheme: "dark", isMobile: true, hasTouch: true },
];

/** The browser; its sandbox does not work for root. */
export function launch(more = []) {
  const args = ["--disable-gpu", "--disable-background-networking", ...more];
  if (process.getuid() === 0) args.push("--no-sandbox");
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
}

export class Visitor {
  /** A fresh browser profile. `look` is one of LOOKS or anything that Playwright takes. */
  static async arrive(browser, house, look = LOOKS[0], storageState = undefined) {
    const { name: _, ...options } = look;
    const context = await browser.newContext({
      baseURL: house.origin,
      // The certificate is tried by a test of its own, against the authority that `up` made.
      ignoreHTTPSErrors: true,
      reducedMotion: "reduce",
      locale: "en-GB",
      storageState,
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const visitor = new Visitor();
    Object.assign(visitor, { context, house, complaints: [] });
    context.on("page", (page) => visitor.#listen(page));
    visitor.page = await context.newPage();
    return visitor;
  }

  #listen(page) {
    page.on("pageerror", (error) => this.complaints.push(`script: ${error.message}`));
    page.on("console", (message) => {
      if (!["error", "warning"].includes(message.type())) return;
      // That the page itself was answered with 403, 404 or 422 is what the test asked for.
      const asked = /status of 4\d\d/.test(message.text()) && !/\/assets\//.test(message.location().url);
      if (!asked) this.complaints.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      if (!/ABORTED/.test(why)) this.complaints.push(`request: ${request.url()} ${why}`);
    });
  }

  /** Signs in with password and one-time code, and stands on the first page. */
  async signIn(email) {
    const { page, house } = this;
    await page.goto("/sign-in");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(house.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await this.secondFactor(house.secret(email));
  }

  /** Types the one-time code. */
  async secondFactor(secret) {
    const { page, house } = this;
    await page.getByLabel("Code from your app").fill(await house.code(secret));
    await page.getByRole("button", { name: "Continue" }).click();
    await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  }

  /** No console error, no refused resource, no failed request so far. */
  saysNothing() {
    assert.deepEqual(this.complaints, []);
  }

  async leave() {
    this.saysNothing();
    await this.context.close();
  }
}

/** What the accessibility rules (all of them, or only these) find on the page as it stands, one line each. */
export async function findings(page, only = undefined) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(`${AXE};0`);
  const runOnly = only ? { type: "rule", values: only } : { type: "tag", values: RULES };
  const options = { runOnly, resultTypes: ["violations"] };
  const violations = await page.evaluate(async (asked) => (await window.axe.run(asked)).violations, options);
  return violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary.replace(/\s+/g, " ")}`),
  );
}

/** By how many pixels the page is wider than the window. */
export function overhang(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
