// A running installation for the tests: started in a folder of its own, with the invented people of
// `vouchsafe up`, and taken away afterwards.
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);
const START_MS_MAX = 120_000;

/** How long something that is looked for again and again may take to come. */
export const PATIENCE_MS = 20_000;

export class House {
  /** Starts one and waits until it serves. */
  static async start() {
    const program = process.env.VOUCHSAFE;
    if (!program) throw new Error("VOUCHSAFE must name the built program (cargo xtask test sets it)");
    const house = new House();
    house.program = program;
    house.root = await mkdtemp(join(tmpdir(), "vs-browser-"));
    // As root, the accounts of servers and application must pass through.
    await chmod(house.root, 0o755);
    house.folder = join(house.root, "data");
    house.port = await freePort();
    house.origin = `https://localhost:${house.port}`;
    house.child = spawn(program, ["up", "--few", "--folder", house.folder, "--port", String(house.port)]);
    house.ended = once(house.child, "exit");
    house.said = [];
    await house.#serving().catch(async (error) => {
      await house.stop();
      throw error;
    });
    house.people = peopleOf(house.said);
    house.password = house.said.map((line) => /password of all of them: (\S+)/.exec(line)?.[1]).find(Boolean);
    house.used = new Map();
    return house;
  }

  async #serving() {
    let complained = "";
    this.child.stderr.on("data", (bytes) => (complained += bytes));
    const late = setTimeout(() => this.child.kill("SIGTERM"), START_MS_MAX);
    for await (const line of createInterface({ input: this.child.stdout })) {
      this.said.push(line);
      if (line.startsWith("Vouchsafe runs at")) break;
    }
    clearTimeout(late);
    this.child.stdout.resume();
    if (this.child.exitCode !== null || !this.said.at(-1)?.startsWith("Vouchsafe runs at")) {
      throw new Error(`it did not start:\n${this.said.join("\n")}\n${complained}`);
    }
  }

  /** Stops it and removes everything it wrote. */
  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
    await rm(this.root, { recursive: true, force: true });
  }

  /** A command beside the running installation; answers what it printed. */
  async command(...words) {
    const { stdout } = await run(this.program, [...words, "--folder", this.folder], { maxBuffer: 1 << 26 });
    return stdout;
  }

  /** A folder that the application's account can read. */
  async makeFolder(name) {
    const folder = join(this.root, name);
    await mkdir(folder, { mode: 0o755 });
    return folder;
  }

  /** A person's secret, as printed. */
  secret(email) {
    const person = this.people.find((one) => one.email === email);
    if (!person) throw new Error(`nobody with the address ${email} was printed`);
    return person.secret;
  }

  /**
   * A code that a person has not used yet. Codes of the half minute before, of now and of the half
   * minute after are accepted, each once and never an older one after a newer; so whoever signs in often
   * must wait for the clock.
   */
  async code(secret) {
    const step = () => Math.floor(Date.now() / 30_000);
    const next = Math.max((this.used.get(secret) ?? 0) + 1, step());
    while (next > step() + 1) await new Promise((done) => setTimeout(done, 30_000 - (Date.now() % 30_000)));
    this.used.set(secret, next);
    return totp(secret, next);
  }

  /** The newest letter that matches, read from the folder of letters; waits until it is there. */
  async letter(pattern) {
    const folder = `${this.folder}-mail`;
    return until(`a letter with ${pattern}`, async () => {
      const names = (await readdir(folder)).filter((name) => name.endsWith(".eml")).sort().reverse();
      for (const name of names) {
        const found = pattern.exec(decoded(await readFile(join(folder, name), "utf8")));
        if (found) return found;
      }
      return null;
    });
  }
}

/** Looks again and again until something is there. */
export async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** The time-based code of RFC 6238, as an authenticator app computes it. */
export function totp(secret, step) {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", base32(secret)).update(message).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

function base32(text) {
  let bits = "";
  for (const letter of text.replace(/\s/g, "")) {
    bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
  }
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

function peopleOf(lines) {
  const line = /^\s+(?<email>\S+@\S+)\s+(?<roles>[a-z, ]*[a-z])\s{2,}(?<name>.+?)\s+(?<secret>(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})$/;
  return lines.map((text) => line.exec(text)?.groups).filter(Boolean);
}

function decoded(letter) {
  return letter.replace(/=\r?\n/g, "").replace(/=3D/g, "=");
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
