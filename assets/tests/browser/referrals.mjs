// A small FHIR R4 folder, as a bulk export writes it: three invented people and what stands in their
// records.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

export const ZOLEKA = { name: "Zoleka Quintana", letters: "qui", number: "8403070143088", family: "Quintana" };

const text = (words) => ({ text: words });
const about = { reference: "Patient/p1" };
const status = (system, code) => ({ coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] });

const PATIENTS = [
  {
    resourceType: "Patient",
    id: "p1",
    identifier: [
      {
        type: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/v2-0203", code: "NNZAF" }] },
        value: ZOLEKA.number,
      },
    ],
    name: [{ use: "official", family: ZOLEKA.family, given: ["Zoleka"] }],
    gender: "female",
    birthDate: "1984-03-07",
    telecom: [{ system: "phone", value: "+27 82 555 0143", use: "mobile" }],
    address: [{ line: ["14 Harbour Street"], city: "Hout Bay", postalCode: "7806", country: "South Africa" }],
  },
  { resourceType: "Patient", id: "p2", name: [{ family: "Quist", given: ["Bongani"] }], birthDate: "1990" },
  { resourceType: "Patient", id: "p3", name: [{ text: "山田太郎" }], gender: "male", birthDate: "1975-02" },
];

const ALLERGY = {
  resourceType: "AllergyIntolerance",
  id: "a1",
  patient: about,
  clinicalStatus: status("allergyintolerance-clinical", "active"),
  criticality: "high",
  code: text("Peanut"),
  reaction: [{ manifestation: [text("Swelling of the face")] }],
};

const PROBLEMS = ["Asthma", "Migraine without aura", "Sprain of the left ankle"].map((words, place) => ({
  resourceType: "Condition",
  id: `c${place}`,
  subject: about,
  clinicalStatus: status("condition-clinical", place === 2 ? "resolved" : "active"),
  code: text(words),
  onsetDateTime: `20${18 + place}-0${place + 3}-1${place}`,
}));

const MEDICATION = {
  resourceType: "MedicationRequest",
  id: "m1",
  subject: about,
  status: "active",
  intent: "order",
  medicationCodeableConcept: text("Salbutamol 100 micrograms, inhaler"),
  authoredOn: "2024-05-20T09:30:00+02:00",
  requester: { display: "Dr A. Petersen" },
  dosageInstruction: [{ text: "Two puffs when short of breath" }],
};

const NOTE = `Seen for a review.

Breathing is good; the inhaler is used twice a week.
Plan: carry on, see again in six months.`;

const DOCUMENT = {
  resourceType: "DocumentReference",
  id: "d1",
  subject: about,
  status: "current",
  type: text("Progress note"),
  date: "2024-05-20T09:45:00+02:00",
  author: [{ display: "Dr A. Petersen" }],
  content: [{ attachment: { contentType: "text/plain; charset=utf-8", data: Buffer.from(NOTE).toString("base64") } }],
};

const loinc = (code, display) => ({ coding: [{ system: "http://loinc.org", code, display }] });
const quantity = (value, unit, code) => ({ value, unit, system: "http://unitsofmeasure.org", code });

const PRESSURES = [
  ["2023-05-20T08:10:00+02:00", 146, 92],
  ["2023-05-20T17:40:00+02:00", 138, 88],
  ["2024-05-20T09:30:00+02:00", 128, 82],
].map(([at, upper, lower], place) => ({
  resourceType: "Observation",
  id: `o${place}`,
  subject: about,
  status: "final",
  code: loinc("85354-9", "Blood pressure"),
  effectiveDateTime: at,
  interpretation: upper > 140 ? [{ coding: [{ code: "H" }] }] : [],
  component: [
    { code: loinc("8480-6", "Systolic"), valueQuantity: quantity(upper, "mmHg", "mm[Hg]") },
    { code: loinc("8462-4", "Diastolic"), valueQuantity: quantity(lower, "mmHg", "mm[Hg]") },
  ],
}));

const WEIGHTS = [
  ["2019-03-02", quantity(165, "lb", "[lb_av]")],
  ["2022-03-02", quantity(74.2, "kg", "kg")],
  ["2024-05-20", quantity(72.5, "kg", "kg")],
].map(([on, valueQuantity], place) => ({
  resourceType: "Observation",
  id: `w${place}`,
  subject: about,
  status: "final",
  code: loinc("29463-7", "Body weight"),
  effectiveDateTime: on,
  valueQuantity,
}));

const VACCINE = {
  resourceType: "Immunization",
  id: "i1",
  patient: about,
  status: "completed",
  vaccineCode: text("Influenza, seasonal"),
  occurrenceDateTime: "2024-04-02",
  lotNumber: "X-17",
};

const VISIT = {
  resourceType: "Encounter",
  id: "e1",
  subject: about,
  status: "finished",
  class: { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "AMB" },
  type: [text("Review of asthma")],
  period: { start: "2024-05-20T09:15:00+02:00", end: "2024-05-20T09:50:00+02:00" },
  participant: [{ individual: { display: "Dr A. Petersen" } }],
};

const PROCEDURE = {
  resourceType: "Procedure",
  id: "x1",
  subject: about,
  status: "completed",
  code: text("Spirometry"),
  performedDateTime: "2024-05-20T09:20:00+02:00",
};

/** Writes it into a folder of the house and says where. */
export async function referrals(house, name) {
  const folder = await house.makeFolder(name);
  const files = {
    Patient: PATIENTS,
    AllergyIntolerance: [ALLERGY],
    Condition: PROBLEMS,
    MedicationRequest: [MEDICATION],
    DocumentReference: [DOCUMENT],
    Observation: [...PRESSURES, ...WEIGHTS],
    Immunization: [VACCINE],
    Encounter: [VISIT],
    Procedure: [PROCEDURE],
  };
  for (const [type, resources] of Object.entries(files)) {
    const lines = resources.map((resource) => `${JSON.stringify(resource)}\n`);
    await writeFile(join(folder, `${type}.000.ndjson`), lines.join(""), { mode: 0o644 });
  }
  return folder;
}
