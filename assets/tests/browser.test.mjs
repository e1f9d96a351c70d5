// The pages in a real browser, against an installation that runs: started here, used as people use it,
// and taken away again. `cargo xtask test` says where the program and the browser are; to look at what a
// run saw, name a folder in PICTURES.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before } from "node:test";
import gallery from "./browser/gallery.mjs";
import hands from "./browser/hands.mjs";
import { House } from "./browser/house.mjs";
import imports from "./browser/imports.mjs";
import pages from "./browser/pages.mjs";
import passkeys from "./browser/passkeys.mjs";
import story from "./browser/story.mjs";
import twice from "./browser/twice.mjs";
import { launch, LOOKS, Visitor } from "./browser/visitor.mjs";

/** What every test is given. */
const given = {
  sessions: new Map(),

  /** The cookies of somebody who has signed in; each person signs in once. */
  async signedIn(email) {
    if (!this.sessions.has(email)) {
      const visitor = await Visitor.arrive(this.browser, this.house, LOOKS[0]);
      await visitor.signIn(email);
      this.sessions.set(email, await visitor.context.storageState());
      await visitor.leave();
    }
    return this.sessions.get(email);
  },

  /** Takes a picture, for the eye; only where PICTURES names a folder. */
  async picture(page, name) {
    if (!process.env.PICTURES) return;
    await mkdir(process.env.PICTURES, { recursive: true });
    await page.screenshot({ path: join(process.env.PICTURES, `${name}.png`), fullPage: true });
  },
};

before(async () => {
  given.house = await House.start();
  given.browser = await launch();
});

after(async () => {
  await given.browser?.close();
  await given.house?.stop();
});

story(given);
hands(given);
twice(given);
pages(given);
imports(given);
passkeys(given);
gallery(given);
