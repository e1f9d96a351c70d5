"""fhirpy, as its users use it: create, read, search, page after page, update."""

import os

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, ResourceNotFound

client = SyncFHIRClient(os.environ["FHIR_BASE"], authorization=f"Bearer {os.environ['FHIR_KEY']}")

made = []
for given in ["Ana", "Ben", "Cas"]:
    patient = client.resource("Patient", name=[{"family": "Pyfamily", "given": [given]}])
    patient.save()
    made.append(patient.id)
read = client.reference("Patient", made[0]).to_resource()
assert read["name"][0]["given"] == ["Ana"], read
found = [one.id for one in client.resources("Patient").search(family="pyfamily").limit(2)]
assert sorted(found) == sorted(made), (found, made)
assert client.resources("Patient").search(family="pyfamily", given="ben").first().id == made[1]
read["gender"] = "other"
read.save()
assert read["meta"]["versionId"] == "2", read["meta"]
stale = client.resource("Patient", **{**read.serialize(), "meta": {"versionId": "1"}, "gender": "male"})
try:
    stale.save()
    raise AssertionError("an old version was written over a newer one")
except MultipleResourcesFound:
    # What fhirpy calls every 412.
    pass
problem = client.resource("Condition", subject={"reference": f"Patient/{made[1]}"}, code={"text": "Hay fever"})
problem.save()
problem["onsetDateTime"] = "2020-03"
problem.save()
assert problem["meta"]["versionId"] == "2", problem["meta"]
known = client.resources("Condition").search(patient=made[1]).first()
assert known["onsetDateTime"] == "2020-03", known
try:
    client.reference("Patient", "1").to_resource()
    raise AssertionError("nobody was found")
except ResourceNotFound:
    pass
