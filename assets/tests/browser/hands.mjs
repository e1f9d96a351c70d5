// The same acts with the keyboard alone, and without script.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LOOKS, Visitor } from "./visitor.mjs";

const TABS_MAX = 80;

/** A hand on the keyboard: goes where the Tab key leads, and looks whether one sees where one is. */
class Keys {
  constructor(page) {
    this.page = page;
  }

  press(key) {
    return this.page.keyboard.press(key);
  }

  type(text) {
    return this.page.keyboard.type(text);
  }

  /** Presses Tab until what has the focus matches. Every stop on the way must be seen. */
  async to(selector) {
    for (let stop = 0; stop < TABS_MAX; stop++) {
      if (await this.on(selector)) return;
      await this.press("Tab");
      const unseen = await this.page.evaluate(() => {
        const element = document.activeElement;
        if (element === document.body) return null;
        const { width, height } = element.getBoundingClientRect();
        const style = getComputedStyle(element);
        const marked = style.outlineStyle !== "none" || style.boxShadow !== "none";
        const shown = width > 0 && height > 0 && element.checkVisibility({ opacityProperty: true });
        return marked && shown ? null : element.outerHTML.slice(0, 160);
      });
      assert.equal(unseen, null, "the focus is somewhere that is not seen");
    }
    assert.fail(`${TABS_MAX} presses of Tab did not lead to ${selector}`);
  }

  on(selector) {
    return this.page.evaluate((wanted) => document.activeElement.matches(wanted), selector);
  }
}

export default function hands(given) {
  test("everything that a reception does is done with the keyboard alone", async () => {
    const { house, browser } = given;
    const visitor = await Visitor.arrive(browser, house);
    const { page } = visitor;
    const keys = new Keys(page);
    await page.goto("/");
    await page.waitForURL(/\/sign-in/);
    await keys.to("#email");
    await keys.type("tane@harbour.example");
    await keys.to("#password");
    await keys.type(house.password);
    await keys.press("Enter");
    await page.waitForURL("**/sign-in/second*");
    await keys.to("#code");
    await keys.type(await house.code(house.secret("tane@harbour.example")));
    await keys.press("Enter");
    await page.getByRole("heading", { level: 1, name: /Tane Walker/ }).waitFor();

    // Results come while one types; the arrow leads down to them.
    await keys.press("g");
    await keys.press("p");
    await page.waitForURL("**/patients");
    await keys.press("/");
    assert.ok(await keys.on("#q"));
    await keys.type("tau");
    await page.locator("#results [data-row-link]", { hasText: "Taufa" }).waitFor();
    assert.ok(await keys.on("#q"), "the focus stays in the box");
    await keys.press("ArrowDown");
    await keys.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Sione Taufa" }).waitFor();

    await keys.to(".ident summary");
    await keys.press("Enter");
    await keys.press("Escape");
    assert.ok(await keys.on(".ident summary"), "Esc closes the question and gives the focus back");
    await keys.press("Enter");
    await keys.to(".ident select");
    await keys.type("Tre");
    await keys.to(".ident .button--main");
    await keys.press("Enter");
    await page.locator("[data-value]").waitFor();
    await page.waitForFunction(() => document.activeElement.matches("[data-hide]"));
    await keys.press("Enter");
    await page.locator("[data-value]").waitFor({ state: "detached" });

    await keys.to(".tabs__act");
    await keys.press("Enter");
    await page.waitForURL("**/edit");
    await keys.to("#preferred");
    await keys.type("Jon");
    await keys.press("Enter");
    assert.ok(await keys.on("#pronouns"), "Enter in a long form goes to the next field and sends nothing");
    await keys.press("Control+Enter");
    await page.locator(".banner__preferred", { hasText: "Jon" }).waitFor();

    await keys.press("?");
    await page.locator("dialog[open]").waitFor();
    await keys.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    await keys.to(".bar__person summary");
    await keys.press("Enter");
    await keys.to("form[action='/sign-out'] button");
    await keys.press("Enter");
    await page.waitForURL(/\/sign-in\?/);
    await visitor.leave();
  });

  test("signing in, finding, opening, revealing, editing and signing out need no script", async () => {
    const { house, browser } = given;
    const visitor = await Visitor.arrive(browser, house, { ...LOOKS[0], javaScriptEnabled: false });
    const { page } = visitor;
    await visitor.signIn("aaliyah@harbour.example");
    await page.locator("#q").fill("whi");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Oliver James Whitlam" }).click();
    const ident = page.locator(".ident").first();
    await ident.locator("summary").click();
    await ident.getByLabel("Purpose").selectOption("billing");
    await ident.getByRole("button", { name: "Show and record" }).click();
    await page.getByText(/Recorded: Aaliyah Haddad/).waitFor();
    assert.match(await page.locator("[data-value]").innerText(), /\d{10}/);

    await page.locator(".tabs__act").click();
    await page.getByLabel("Pronouns").fill("he/him");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".banner__facts", { hasText: "he/him" }).waitFor();
    for (const button of await page.locator("main button:visible").all()) {
      assert.notEqual(await button.getAttribute("type"), "button", "no button is shown that needs script");
    }

    await page.locator(".bar__person summary").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/sign-in\?/);
    await page.goto("/patients");
    await page.waitForURL(/\/sign-in\?/);
    await visitor.leave();
  });
}
