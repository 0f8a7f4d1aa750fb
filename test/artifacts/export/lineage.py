"""Reads an exported lineage with the tools it is meant for.

    python -m venv /tmp/lineage && /tmp/lineage/bin/pip install prov==3.2.3 openlineage-python==1.54.0
    R1_TEST_PYTHON=/tmp/lineage/bin/python npm test -- export-lineage

or by hand: lineage.py PROV.json EVENTS.jsonl. Prints what it found as JSON; any complaint of either library is an error.
"""

import json
import sys

from openlineage.client.generated import (
    base,
    dataset_version_dataset,
    error_message_run,
    execution_parameters_run,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
)
from prov.model import (
    ProvActivity,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvMembership,
    ProvUsage,
)

FACETS = {
    "parent": parent_run.ParentRunFacet,
    "executionParameters": execution_parameters_run.ExecutionParametersRunFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
    "jobType": job_type_job.JobTypeJobFacet,
    "version": dataset_version_dataset.DatasetVersionDatasetFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}


def facet(name, fields):
    """The client's class takes exactly the fields of the published schema; ours must say that same schema."""
    fields = dict(fields)
    schema = fields.pop("_schemaURL")
    producer = fields.pop("_producer")
    if name.startswith("r1_"):
        return
    cls = FACETS[name]
    if name == "parent":
        fields = {"run": parent_run.Run(**fields["run"]), "job": parent_run.Job(**fields["job"])}
    if name == "executionParameters":
        fields["parameters"] = [execution_parameters_run.ExecutionParameter(**each) for each in fields["parameters"]]
    made = cls(producer=producer, **fields)
    assert made._schemaURL == schema, (name, made._schemaURL, schema)


def facets(group):
    for name, fields in group.items():
        facet(name, fields)


def dataset(cls, fields):
    facets(fields["facets"])
    facets(fields.get("outputFacets", {}))
    return cls(namespace=fields["namespace"], name=fields["name"])


def event(fields):
    facets(fields["run"]["facets"])
    facets(fields["job"]["facets"])
    made = base.RunEvent(
        eventType=base.EventType(fields["eventType"]),
        eventTime=fields["eventTime"],
        run=base.Run(runId=fields["run"]["runId"]),
        job=base.Job(namespace=fields["job"]["namespace"], name=fields["job"]["name"]),
        inputs=[dataset(base.InputDataset, each) for each in fields["inputs"]],
        outputs=[dataset(base.OutputDataset, each) for each in fields["outputs"]],
        producer=fields["producer"],
    )
    assert made.schemaURL == fields["schemaURL"], made.schemaURL


prov_file, events_file = sys.argv[1:]
document = ProvDocument.deserialize(prov_file, format="json")
# A round trip through PROV-N's model loses nothing.
assert ProvDocument.deserialize(content=document.serialize(format="json"), format="json") == document
with open(events_file, encoding="utf8") as lines:
    events = [json.loads(line) for line in lines]
for each in events:
    event(each)

count = lambda cls: len(list(document.get_records(cls)))
print(
    json.dumps(
        {
            "entities": count(ProvEntity),
            "activities": count(ProvActivity),
            "used": count(ProvUsage),
            "generated": count(ProvGeneration),
            "derived": count(ProvDerivation),
            "members": count(ProvMembership),
            "events": len(events),
        }
    )
)
