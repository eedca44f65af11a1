"""What is generated from the kinds is complete and up to date."""

import json

import pytest
import yaml

from collector import catalogue, telemetry
from collector.cli.policies import documents
from collector.evaluate import registry
from collector.evaluate.match import SERVICE_FIELDS
from collector.policyfile import packs_directory


@pytest.mark.parametrize("name", ["README.md", "schema.json"])
def test_what_is_generated_is_up_to_date(name):
    assert (packs_directory() / name).read_text() == documents()[name], "run `make docs`"


def test_the_metrics_of_the_readme_are_those_of_the_table():
    readme = packs_directory().with_name("README.md").read_text()

    assert telemetry.markdown() in readme


@pytest.mark.parametrize("name", catalogue.built_in())
def test_every_kind_explains_itself(name):
    page = catalogue.page(registry.documentation(name))

    assert page.summary.endswith(".")
    assert page.why
    assert page.mend
    assert all(f.description for f in registry.known()[name].options_type.model_fields.values())


def test_a_kind_without_a_section_is_named():
    with pytest.raises(catalogue.PageError, match="Mend"):
        catalogue.page("x.\n\nWhy:\n    y\n\nBad:\n    {}\n\nGood:\n    {}\n")


def test_the_schema_knows_every_kind_and_option():
    schema = json.loads(catalogue.schema())

    branches = schema["$defs"]["Policy"]["allOf"]
    seen = {
        one["if"]["properties"]["kind"]["const"]: set(
            one["then"]["properties"]["options"]["properties"]
        )
        for one in branches
    }
    assert seen == {
        name: set(registry.known()[name].options_type.model_fields) for name in catalogue.built_in()
    }


def test_the_schema_allows_the_selector_fields_that_a_kind_looks_at():
    branches = json.loads(catalogue.schema())["$defs"]["Policy"]["allOf"]

    for one in branches:
        kind = registry.known()[one["if"]["properties"]["kind"]["const"]]
        fields = one["then"]["properties"]["select"]["propertyNames"]["enum"]
        assert set(fields) == SERVICE_FIELDS | kind.meta.selectors


def test_every_policy_says_what_a_reader_needs():
    for path in packs_directory().glob("*.yaml"):
        if path.name.endswith(".test.yaml"):
            continue
        for policy in yaml.safe_load(path.read_text())["policies"]:
            assert {"id", "kind", "severity", "summary", "why", "remedy", "references"} <= set(
                policy
            ), policy["id"]


def test_every_pack_has_a_test_file_with_a_clean_case():
    packs = {p for p in packs_directory().glob("*.yaml") if not p.name.endswith(".test.yaml")}

    for pack in packs:
        cases = yaml.safe_load(pack.with_name(f"{pack.stem}.test.yaml").read_text())
        assert any(not case["expect"] for case in cases), pack
        assert any(case["expect"] for case in cases), pack
