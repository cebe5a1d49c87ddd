"""A version becomes active by a person who saw what it does, never two at once, and the way back is one step."""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mappings
from billhub import audit, promotion, steps
from billhub.flows import Task
from billhub.hub import Hub
from billhub.promotion import EffectNotSeenError, PromotionRefusedError, Version
from billhub.promotion.references import of_bundle, on_disk
from billhub.promotion.rolling_back import previous
from billhub.store import mapping_versions
from billhub.store.engine import reading, transaction
from canonical_model.errors import ConfigurationError, MappingError
from mappings import Bundle

sys.path.insert(0, str(Path(__file__).parent))

from promotion_ground import (
    ACCOUNTS,
    CONTRACTS,
    LEGAL_NAME,
    ORDERS,
    PERHAPS,
    account,
    activate,
    altered,
    brought_in,
    compared,
    contract,
    dump,
    land,
    map_all,
    order,
    promoted,
    release_orders,
)

ACCOUNT = on_disk("salesforce/account")
TABLE = "tables/country_name.yaml"


def resolved(hub: Hub, reference: str) -> Version:
    with reading(hub.engine) as connection:
        return promotion.resolve(connection, reference)


def active(hub: Hub, name: str = "salesforce/account") -> tuple[int, str]:
    version = resolved(hub, f"{name}@active")
    return version.number, version.fingerprint


@pytest.fixture
def documents(query: Callable) -> Callable[[], list[tuple[Any, ...]]]:
    """Current documents with the version that made them."""
    return lambda: query(
        "SELECT canonical_id, version, mapping_version, mapping_fingerprint FROM documents WHERE is_current ORDER BY canonical_id"
    )


# references


def test_a_version_is_named_in_many_ways(hub: Hub, tmp_path: Path) -> None:
    new = altered("salesforce/account", LEGAL_NAME)
    promoted(hub, new)
    assert resolved(hub, "salesforce/account").fingerprint == ACCOUNT.fingerprint
    assert resolved(hub, "salesforce/account@active").fingerprint == new.fingerprint
    assert resolved(hub, "salesforce/account@9").fingerprint == new.fingerprint
    assert resolved(hub, f"salesforce/account@{ACCOUNT.fingerprint[:8]}").fingerprint == ACCOUNT.fingerprint
    file = tmp_path / "salesforce" / "account.yaml"
    file.parent.mkdir()
    file.write_text(new.bundle.files["salesforce/account.yaml"], "utf-8")
    assert resolved(hub, str(file)).fingerprint == new.fingerprint


def test_a_number_that_several_versions_have_lists_their_fingerprints(hub: Hub) -> None:
    old = on_disk("online_retail/order")
    new = altered("online_retail/order", ("Northern Ireland: GB", "Northern Ireland: IE"), version=2, file=TABLE)
    promoted(hub, new)
    with pytest.raises(ConfigurationError, match="which differ in texts, tables or overlays") as raised:
        resolved(hub, f"online_retail/order@{old.number}")
    assert old.fingerprint[:12] in str(raised.value)
    assert new.fingerprint[:12] in str(raised.value)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("salesforce/acount", "there is no such mapping; there are "),
        ("salesforce/acount@active", "no version of 'salesforce/acount' was ever active"),
        ("salesforce/account@77", "there is no version 77 of salesforce/account; kept are "),
        ("salesforce/account@0123456789", "there is no version 0123456789"),
        ("salesforce/account@latest", "after @ comes `active`, a version, or 6 or more letters"),
        ("nowhere/salesforce/account.yaml", "there is no file nowhere/salesforce/account.yaml"),
    ],
)
def test_a_reference_that_means_nothing_says_what_there_is(
    open_as: Callable[..., Hub], reference: str, said: str
) -> None:
    with pytest.raises((ConfigurationError, MappingError), match=said):
        resolved(open_as(), reference)


def test_a_file_that_does_not_compile_says_every_fault(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "salesforce" / "account.yaml"
    file.parent.mkdir()
    text = ACCOUNT.bundle.files["salesforce/account.yaml"]
    file.write_text(text.replace("transform: [text, vat_id_normalise]", "transform: nothing_such"), "utf-8")
    with pytest.raises(MappingError, match=r"salesforce/account\.yaml:\d+: tax_id: "):
        resolved(hub, str(file))


# the whole story


def test_from_a_changed_line_to_changed_documents_and_back(
    open_as: Callable[..., Hub], documents: Callable, query: Callable
) -> None:
    hub = open_as()
    brought_in(
        hub,
        ACCOUNTS,
        account("A-1"),
        account("A-2", Hub_Id__c="Northwind Ltd"),
        account("A-3", Active__c="Perhaps"),
    )
    new = altered("salesforce/account", LEGAL_NAME, PERHAPS)
    result, _ = compared(hub, ACCOUNT, new)
    done = promotion.promote(hub, new, reason="names fit on a line", seen=result.hash, again=True)
    assert done.remapped == 2
    assert query("SELECT external_id, state FROM landed ORDER BY 1") == [
        ("A-1", "mapped"),
        ("A-2", "new"),
        ("A-3", "new"),
    ]

    later = open_as("otto")
    map_all(later, ACCOUNTS)
    first, second = (1, ACCOUNT.fingerprint), (9, new.fingerprint)
    assert documents() == [("A-1", 1, *first), ("A-2", 2, *second), ("A-3", 1, *second)]
    assert query("SELECT state FROM exceptions") == [("resolved",)]
    assert compared(later, new, new)[0].changed == 0

    back = promotion.roll_back(later, "salesforce/account", reason="a name was cut", again=True)
    assert (back.old.fingerprint, back.new.fingerprint, back.remapped) == (new.fingerprint, ACCOUNT.fingerprint, 2)
    map_all(open_as(), ACCOUNTS)
    assert documents() == [("A-1", 1, *first), ("A-2", 3, *first), ("A-3", 1, *second)]
    assert query("SELECT external_id, state FROM landed ORDER BY 1") == [
        ("A-1", "mapped"),
        ("A-2", "mapped"),
        ("A-3", "excepted"),
    ]
    told = [
        (row[0], row[1], row[2])
        for row in query(
            "SELECT action, activated_by, reason FROM mapping_activations WHERE mapping = 'salesforce/account' ORDER BY activation_id"
        )
    ]
    assert told == [
        ("shipped", "olive", "came with the hub"),
        ("promoted", "olive", "names fit on a line"),
        ("rolled_back", "otto", "a name was cut"),
    ]


def test_the_audit_says_who_when_why_and_what_was_seen(hub: Hub, query: Callable) -> None:
    brought_in(hub, ACCOUNTS, account("A-1", Hub_Id__c="ab"))
    new = altered("salesforce/account", LEGAL_NAME)
    done = promoted(hub, new, reason="names fit on a line")
    promotion.roll_back(hub, "salesforce/account", reason="they do not")
    rows = query(
        "SELECT action, actor, at, detail FROM audit WHERE subject = 'salesforce/account' AND action LIKE 'mapping.%' ORDER BY seq"
    )
    assert [row[:3] for row in rows] == [
        ("mapping.promoted", "olive", "2026-01-15T00:00:00Z"),
        ("mapping.rolled_back", "olive", "2026-01-15T00:00:00Z"),
    ]
    old, after = (
        {"version": ACCOUNT.number, "fingerprint": ACCOUNT.fingerprint},
        {"version": 9, "fingerprint": new.fingerprint},
    )
    promotion_detail, back = (json.loads(row[3]) for row in rows)
    assert promotion_detail == {
        "before": old,
        "after": after,
        "reason": "names fit on a line",
        "diff_hash": done.diff.hash,
        "examined": 1,
        "records": {"changed": 1},
        "invoices": 0,
        "deliveries": {},
        "remapped": 0,
    }
    assert back == {"before": after, "after": old, "reason": "they do not", "remapped": 0}
    assert query("SELECT diff_hash FROM mapping_activations WHERE action = 'promoted'") == [(done.diff.hash,)]
    with reading(hub.engine) as connection:
        assert audit.first_broken(connection) is None


def test_drafts_of_a_changed_contract_are_planned_again(open_as: Callable[..., Hub], query: Callable) -> None:
    hub = open_as()
    brought_in(hub, CONTRACTS, contract("C-1", PO_Number__c=" po-7 "))
    steps.run_task(hub, "own", Task(id="plan", run=("plan",)))
    [(before,)] = query("SELECT draft_hash FROM invoices")
    new = altered(
        "salesforce/contract",
        (
            "purchase_order: {from: PO_Number__c, transform: text}",
            "purchase_order: {from: PO_Number__c, transform: [text, upper]}",
        ),
    )
    promoted(hub, new, again=True)
    later = open_as()
    map_all(later, CONTRACTS)
    steps.run_task(later, "own", Task(id="plan", run=("plan",)))
    [(after, version, body)] = query("SELECT draft_hash, source_version, body FROM invoices")
    assert after != before
    assert version == 2
    assert json.loads(body)["purchase_order"] == "PO-7"


def test_replay_maps_what_was_excepted_with_the_version_that_is_active_then(
    open_as: Callable[..., Hub], documents: Callable, query: Callable
) -> None:
    hub = open_as()
    brought_in(hub, ACCOUNTS, account("A-1", Active__c="Perhaps"))
    assert query("SELECT state FROM exceptions") == [("open",)]
    new = altered("salesforce/account", PERHAPS)
    promoted(hub, new)
    steps.run_task(open_as(), "replay_exceptions", Task(id="replay_records", run=("replay_records",)))
    assert documents() == [("A-1", 1, 9, new.fingerprint)]
    assert query("SELECT state FROM exceptions") == [("resolved",)]


def test_deliveries_after_a_promotion_are_made_by_the_new_version(open_as: Callable[..., Hub], query: Callable) -> None:
    from billhub.deliver.payloads import prepare, write_ahead_row
    from billhub.store import intents

    hub = open_as()
    brought_in(hub, ORDERS, order("1"))
    release_orders(hub)
    new = altered("netsuite/invoice", ("NetSuite needs no rate beside it", "a rate beside it would not lead to it"))
    promoted(hub, new)
    later = open_as()
    with transaction(later.engine) as connection:
        rows = [row for row in intents.of_invoice(connection, "order_1") if row["mapping"] == "netsuite/invoice"]
        [written] = [write_ahead_row(later, each) for each in prepare(connection, later, rows)]
    assert (written["mapping_version"], written["mapping_fingerprint"]) == (9, new.fingerprint)


def test_only_records_that_change_and_are_done_are_put_back_to_work(hub: Hub, query: Callable) -> None:
    brought_in(hub, ACCOUNTS, account("A-1", Hub_Id__c="ab"), account("A-2"))
    brought_in(hub, ACCOUNTS, account("A-3", Hub_Id__c="oldname"))
    land(hub, ACCOUNTS, account("A-3", Hub_Id__c="newname"))
    assert promoted(hub, altered("salesforce/account", LEGAL_NAME), again=True).remapped == 1
    assert query("SELECT external_id, state FROM landed ORDER BY landed_id") == [
        ("A-1", "new"),
        ("A-2", "mapped"),
        ("A-3", "mapped"),
        ("A-3", "new"),
    ]


# what is refused


def refused(hub: Hub, new: Version, match: str, **options: Any) -> None:
    """The promotion is refused with these words, and nothing at all was changed."""
    before = dump(hub)
    with pytest.raises(PromotionRefusedError, match=match):
        promoted(hub, new, **options)
    assert dump(hub) == before


def test_an_effect_that_nobody_looked_at_is_shown_and_refused(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1", Hub_Id__c="ab"))
    new = altered("salesforce/account", LEGAL_NAME)
    expected = compared(hub, ACCOUNT, new)[0]
    with pytest.raises(EffectNotSeenError, match="must be looked at first") as raised:
        promotion.promote(hub, new, reason="x", seen=None)
    assert raised.value.diff.hash == expected.hash
    refused(hub, new, "the effect is no longer what was looked at", seen="0" * 64)


def test_an_effect_that_grew_since_it_was_looked_at_is_refused(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1", Hub_Id__c="ab"))
    new = altered("salesforce/account", LEGAL_NAME)
    seen = compared(hub, ACCOUNT, new)[0].hash
    brought_in(hub, ACCOUNTS, account("A-2", Hub_Id__c="cd"))
    refused(hub, new, "the effect is no longer what was looked at", seen=seen)


def test_the_hash_of_a_sample_is_not_that_of_everything(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1", Hub_Id__c="ab"))
    new = altered("salesforce/account", LEGAL_NAME)
    refused(hub, new, "not of a sample", seen=compared(hub, ACCOUNT, new, sample=5)[0].hash)


def test_the_active_version_is_not_promoted_again(hub: Hub) -> None:
    refused(hub, ACCOUNT, r"version \d+ of salesforce/account \(\w{12}\) is active already")


def test_another_text_under_a_number_that_was_used_is_refused(hub: Hub) -> None:
    new = altered("salesforce/account", LEGAL_NAME, version=None)
    refused(hub, new, rf"states version {ACCOUNT.number}, but version {ACCOUNT.number} of it with another text")


def test_a_number_that_was_rolled_back_is_used_up(hub: Hub) -> None:
    promoted(hub, altered("salesforce/account", LEGAL_NAME))
    promotion.roll_back(hub, "salesforce/account", reason="no")
    refused(hub, altered("salesforce/account", PERHAPS), "set `version: 10` in it")
    promoted(hub, altered("salesforce/account", PERHAPS, version=10))
    assert active(hub)[0] == 10


def test_a_table_may_change_alone_under_a_new_number_of_its_own(hub: Hub) -> None:
    change = ("Northern Ireland: GB", "Northern Ireland: IE")
    refused(hub, altered("online_retail/order", change, version=None, file=TABLE), f"{TABLE} states version 1")
    promoted(hub, altered("online_retail/order", change, version=2, file=TABLE))
    assert active(hub, "online_retail/order")[0] == on_disk("online_retail/order").number


def test_a_version_that_breaks_its_fixtures_is_refused(hub: Hub) -> None:
    new = altered("salesforce/account", ("billing_email: {from: Billing_Email__c,", "billing_email: {from: Name,"))
    refused(hub, new, r"does not keep to its fixtures .* see billhub map test salesforce/account")


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_change_needs_its_reason(hub: Hub, reason: str) -> None:
    refused(hub, altered("salesforce/account", LEGAL_NAME), "say why", reason=reason)
    with pytest.raises(PromotionRefusedError, match="say why"):
        promotion.roll_back(hub, "salesforce/account", reason=reason)


def test_what_is_not_made_of_records_is_not_mapped_again(hub: Hub) -> None:
    new = altered("netsuite/invoice", ("{truncate: 900}", "{truncate: 899}"))
    with pytest.raises(ConfigurationError, match="leave out --remap"):
        promoted(hub, new, again=True)


def test_records_that_would_get_another_identity_are_not_mapped_again(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1", Hub_Id__c="A-9"))
    number = "{from: AccountNumber, transform: text}"
    moved = (
        f"customer_id: {number}",
        "customer_id:\n    when: {path: Hub_Id__c, present: true}\n"
        f"    then: {{from: Hub_Id__c, transform: text}}\n    otherwise: {number}",
    )
    new = altered("salesforce/account", moved)
    refused(hub, new, "1 records of salesforce/account would become other documents", again=True)
    assert promoted(hub, new).diff.identities == 1


def test_two_promotions_at_once_do_not_both_win(open_as: Callable[..., Hub]) -> None:
    hubs = [open_as("ada"), open_as("bob")]
    versions = [
        altered("salesforce/account", LEGAL_NAME, version=9),
        altered("salesforce/account", PERHAPS, version=10),
    ]
    seen = [compared(hubs[0], ACCOUNT, each)[0].hash for each in versions]
    barrier = Barrier(2)

    def attempt(place: int) -> str | None:
        barrier.wait()
        try:
            promotion.promote(hubs[place], versions[place], reason="first", seen=seen[place])
        except PromotionRefusedError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(attempt, (0, 1)))
    [winner] = [place for place, answer in enumerate(answers) if answer is None]
    assert active(hubs[0]) == (versions[winner].number, versions[winner].fingerprint)
    assert any(
        said in str(answers[1 - winner]) for said in ("somebody else", "no longer what was looked at", "states version")
    )


def test_the_second_of_two_that_passed_all_checks_is_stopped_by_the_lock(hub: Hub) -> None:
    from billhub.promotion.promoting import require_still_active

    promoted(hub, altered("salesforce/account", LEGAL_NAME))
    with transaction(hub.engine) as connection, pytest.raises(PromotionRefusedError, match="somebody else has changed"):
        require_still_active(
            "salesforce/account", ACCOUNT.fingerprint, mapping_versions.locked(connection, "salesforce/account")
        )


def test_an_active_version_that_no_longer_compiles_can_be_replaced(hub: Hub) -> None:
    """The language of a later release may refuse it; then nothing can be mapped, and there is nothing to compare with."""
    bundle = mappings.bundle_of("salesforce/account")
    broken = Bundle(name=bundle.name, files={bundle.file: "version: 1\n"})
    with transaction(hub.engine) as connection:
        mapping_versions.keep(connection, [(broken, 1)], on="2026-01-01", by="ada")
        made = mapping_versions.history(connection, bundle.name)[0]
        values = {name: getattr(made, name) for name in made.__struct_fields__} | {"fingerprint": broken.fingerprint}
        mapping_versions.activate(connection, [type(made)(**values)])
    new = altered("salesforce/account", LEGAL_NAME)
    with pytest.raises(EffectNotSeenError) as raised:
        promotion.promote(hub, new, reason="x", seen=None)
    assert "cannot compile the old version" in raised.value.diff.traffic
    promotion.promote(hub, new, reason="x", seen=raised.value.diff.hash)
    assert active(hub) == (9, new.fingerprint)
    with pytest.raises(MappingError) as fault:
        promotion.roll_back(hub, "salesforce/account", reason="x", to=broken.fingerprint[:12])
    assert any("cannot compile it any more" in note for note in fault.value.__notes__)


# rolling back


def test_rolling_back_twice_goes_two_versions_back(hub: Hub) -> None:
    promoted(hub, altered("salesforce/account", LEGAL_NAME, version=9))
    promoted(hub, altered("salesforce/account", PERHAPS, version=10))
    for expected in (9, ACCOUNT.number):
        promotion.roll_back(hub, "salesforce/account", reason="no")
        assert active(hub)[0] == expected
    with pytest.raises(PromotionRefusedError, match="has no version before the active one"):
        promotion.roll_back(hub, "salesforce/account", reason="no")
    promotion.roll_back(hub, "salesforce/account", reason="yes after all", to="10")
    assert active(hub)[0] == 10


def test_rolling_back_to_the_active_one_or_to_none_is_refused(hub: Hub) -> None:
    with pytest.raises(PromotionRefusedError, match="is active already"):
        promotion.roll_back(hub, "salesforce/account", reason="x", to=str(ACCOUNT.number))
    with pytest.raises(ConfigurationError, match="there is no version 77"):
        promotion.roll_back(hub, "salesforce/account", reason="x", to="77")
    with pytest.raises(ConfigurationError, match="was ever active"):
        promotion.roll_back(hub, "salesforce/nothing", reason="x")


def test_a_rollback_needs_neither_the_files_nor_their_fixtures(hub: Hub) -> None:
    """It must work on the day on which the files are the trouble."""
    older = altered("salesforce/account", ("billing_email: {from: Billing_Email__c,", "billing_email: {from: Name,"))
    activate(hub, older)
    promotion.roll_back(hub, "salesforce/account", reason="to the shipped one")
    promotion.roll_back(hub, "salesforce/account", reason="and back", to=older.fingerprint[:10])
    assert active(hub) == (9, older.fingerprint)


@given(st.integers(1, 12))
def test_going_back_step_by_step_leads_to_the_first_version_and_never_to_one_that_was_left(promotions: int) -> None:
    history = [(False, f"v{place}") for place in range(promotions)]
    seen = []
    while (target := previous(history)) is not None:
        history.append((True, target))
        seen.append(target)
    assert seen == [f"v{place}" for place in reversed(range(promotions - 1))]


# listing


def test_versions_are_listed_with_what_they_made(hub: Hub) -> None:
    brought_in(hub, ACCOUNTS, account("A-1"), account("A-2"))
    new = altered("salesforce/account", LEGAL_NAME)
    done = promoted(hub, new)
    with reading(hub.engine) as connection:
        present, retired = promotion.versions(connection, ["salesforce/account"])
        everything = promotion.versions(connection)
    assert (present.state, present.on_disk, present.documents, present.reason) == ("active", False, 0, "as agreed")
    assert (present.version, present.diff_hash, present.by, present.since) == (9, done.diff.hash, "olive", "2026-01-15")
    assert (retired.state, retired.on_disk, retired.documents, retired.action) == ("retired", True, 2, "shipped")
    assert {each.mapping for each in everything} == set(mappings.names())


def test_a_mapping_on_disk_that_was_never_active_is_a_draft(hub: Hub) -> None:
    older = altered("online_retail/order", ("Northern Ireland: GB", "Northern Ireland: IE"), version=2, file=TABLE)
    with transaction(hub.engine) as connection:
        mapping_versions.keep(connection, [(older.bundle, older.number)], on="2026-01-01", by="ada")
    with reading(hub.engine) as connection:
        [shown] = promotion.versions(connection, ["online_retail/order"])
        assert (shown.state, shown.files) == ("active", {"tables/country_name": 1})
        with pytest.raises(ConfigurationError, match="there is no mapping 'x/y'; there are"):
            promotion.versions(connection, ["x/y"])


def test_a_version_from_texts_is_what_its_file_says() -> None:
    again = of_bundle(ACCOUNT.bundle, "x")
    assert (again.name, again.number, again.fingerprint) == (ACCOUNT.name, ACCOUNT.number, ACCOUNT.fingerprint)
