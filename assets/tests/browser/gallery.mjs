// Every state that the templates can show, as the tests of `web` draw them into `target/pages`: those too that a
// running installation comes to only after a quarter of an hour, or never.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findings, LOOKS, overhang, Visitor } from "./visitor.mjs";

const FOLDER = fileURLToPath(new URL("../../../target/pages", import.meta.url));
const TYPES = { css: "text/css", js: "text/javascript", svg: "image/svg+xml", html: "text/html; charset=utf-8" };
/** The desk by day, and the phone by night. */
const SEEN = [LOOKS[0], LOOKS[3]];

export default function gallery(given) {
  test("every state that a page can be in holds to the rules", async () => {
    const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".html"));
    assert.ok(names.length > 90, `only ${names.length} pages are drawn`);
    const { context, page } = await Visitor.arrive(given.browser, given.house);
    // Drawn pages, and what belongs to them; their scripts would ask for what is not there.
    await context.route("**/*", async (route) => {
      const path = new URL(route.request().url()).pathname;
      const type = TYPES[path.split(".").pop()];
      const body = type && type !== TYPES.js ? await readFile(join(FOLDER, path)).catch(() => undefined) : undefined;
      await (body ? route.fulfill({ body, contentType: type }) : route.abort());
    });
    const wrong = [];
    for (const name of names) {
      await page.goto(`/${name}`);
      for (const look of SEEN) {
        await page.setViewportSize(look.viewport);
        await page.emulateMedia({ colorScheme: look.colorScheme });
        const wider = await overhang(page);
        if (wider > 0) wrong.push(`${name}, ${look.name}: ${wider} px wider than the window`);
        wrong.push(...(await findings(page)).map((one) => `${name}, ${look.name}: ${one}`));
        await given.picture(page, `drawn-${name}.${look.name.replace(", ", ".")}`);
      }
    }
    assert.deepEqual(wrong, []);
    await context.close();
  });
}
