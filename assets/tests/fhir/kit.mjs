// fhir-kit-client, as its users use it: capabilities, create, read, search, next page, update, versions; entries of a record.
import assert from "node:assert/strict";
import { Client } from "fhir-kit-client";

const client = new Client({ baseUrl: process.env.FHIR_BASE, bearerToken: process.env.FHIR_KEY });

const statement = await client.capabilityStatement();
assert.equal(statement.fhirVersion, "4.0.1");
const named = (given) => ({ resourceType: "Patient", name: [{ family: "Kitfamily", given: [given] }] });
const made = [];
for (const given of ["Ana", "Ben", "Cas"]) made.push(await client.create({ resourceType: "Patient", body: named(given) }));
const read = await client.read({ resourceType: "Patient", id: made[0].id });
assert.deepEqual(read, made[0]);
let page = await client.search({ resourceType: "Patient", searchParams: { family: "kitfamily", _count: 2 } });
const found = page.entry.map((entry) => entry.resource.id);
page = await client.nextPage({ bundle: page });
found.push(...page.entry.map((entry) => entry.resource.id));
assert.deepEqual(found.sort(), made.map((one) => one.id).sort());
const posted = await client.search({ resourceType: "Patient", searchParams: { family: "kitfamily" }, options: { postSearch: true } });
assert.equal(posted.total, 3);
const body = { ...read, gender: "other" };
const updated = await client.update({ resourceType: "Patient", id: read.id, body, options: { headers: { "If-Match": 'W/"1"' } } });
assert.equal(updated.meta.versionId, "2");
await assert.rejects(client.update({ resourceType: "Patient", id: read.id, body, options: { headers: { "If-Match": 'W/"9"' } } }), (error) => {
  assert.equal(error.response?.status ?? error.status, 412);
  return true;
});
const everything = await client.operation({ name: "everything", resourceType: "Patient", id: read.id, method: "GET" });
assert.equal(everything.entry[0].resource.id, read.id);
const versions = await client.resourceHistory({ resourceType: "Patient", id: read.id });
assert.deepEqual(versions.entry.map((entry) => entry.resource), [updated, read]);
assert.deepEqual(await client.vread({ resourceType: "Patient", id: read.id, version: "1" }), read);
const problem = {
  resourceType: "Condition",
  subject: { reference: `Patient/${read.id}` },
  code: { text: "Hay fever" },
};
const written = await client.create({ resourceType: "Condition", body: problem });
const over = { ...written, onsetDateTime: "2020-03" };
const changed = await client.update({ resourceType: "Condition", id: written.id, body: over, options: { headers: { "If-Match": 'W/"1"' } } });
assert.equal(changed.onsetDateTime, "2020-03");
assert.deepEqual(await client.vread({ resourceType: "Condition", id: written.id, version: "1" }), written);
