"""Gathering: everything the checks need to know about a batch of drafts, asked for in bulk."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from billhub import drift
from billhub.checks import Facts
from billhub.flows import Feed
from billhub.hub import Hub
from billhub.retry import retried
from billhub.store import documents, invoices
from billhub.store.engine import reading, transaction
from billhub.store.missing import insert_missing
from billhub.store.schema import valid_addresses
from canonical_model.contracts import Contract, ErpContract, PriceBookEntry
from canonical_model.encoding import content_hash
from canonical_model.orders import Order
from canonical_model.parties import Address, Customer
from canonical_model.tax import AddressCheck
from connectors.contract import AddressService, Lookup


def gather(hub: Hub, rows: Sequence[invoices.Row]) -> list[Facts]:
    """The facts of each draft, in order."""
    with reading(hub.engine) as connection:
        contracts = documents.load(connection, "contract", _sources(rows, "contract"), Contract)
        orders = documents.load(connection, "order", _sources(rows, "order"), Order)
        customers = documents.load(connection, "customer", [row.invoice.buyer.party_id for row in rows], Customer)
        prices = _prices(connection, hub, contracts)
        outdated = _outdated(connection, rows)
        looked_at = _looked_at(connection, {row.invoice_id: _names(row, contracts, prices) for row in rows})
        claims = invoices.with_fingerprints(connection, [row.fingerprint for row in rows])
        released = invoices.released_periods(connection, _sources(rows, "contract"))
    erp_contracts = _erp_contracts(hub, contracts)
    addresses = _addresses(hub, rows, customers)
    return [
        Facts(
            invoice=row.invoice,
            policy=hub.policy,
            contract=contracts.get(row.source_id) if row.source_entity == "contract" else None,
            order=orders.get(row.source_id) if row.source_entity == "order" else None,
            customer=customers.get(row.invoice.buyer.party_id),
            prices=prices.get(row.invoice.legal_entity, {}),
            erp_contract=erp_contracts.get(row.source_id),
            address=addresses.get(row.invoice_id),
            outdated=tuple(name for name in _rests_on(row) if name in outdated),
            documents=looked_at[row.invoice_id],
            duplicate_of=_duplicate_of(row, claims.get(row.fingerprint, ())),
            billed_already=_billed_already(row, released.get(row.source_id, ())),
        )
        for row in rows
    ]


def _sources(rows: Sequence[invoices.Row], entity: str) -> list[str]:
    return [row.source_id for row in rows if row.source_entity == entity]


def _rests_on(row: invoices.Row) -> tuple[str, str]:
    return f"{row.source_entity} {row.source_id}", f"customer {row.invoice.buyer.party_id}"


def _names(
    row: invoices.Row, contracts: Mapping[str, Contract], prices: Mapping[str, Mapping[str, PriceBookEntry]]
) -> list[tuple[str, str]]:
    """Entity and canonical id of all stored documents that the checks of a draft look at."""
    contract = contracts.get(row.source_id) if row.source_entity == "contract" else None
    known, lines = prices.get(row.invoice.legal_entity, {}), contract.lines if contract else ()
    entries = [("price_book_entry", known[line.product_code].entry_id) for line in lines if line.product_code in known]
    return [(row.source_entity, row.source_id), ("customer", row.invoice.buyer.party_id), *entries]


def _looked_at(connection: Connection, names: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, tuple[int, ...]]:
    """The store's numbers of the versions just read, by invoice; the view is the same from its first query to its last."""
    wanted: dict[str, set[str]] = {}
    for entity, canonical_id in (name for of_it in names.values() for name in of_it):
        wanted.setdefault(entity, set()).add(canonical_id)
    ids = {entity: documents.current_ids(connection, entity, sorted(of_it)) for entity, of_it in wanted.items()}
    return {
        invoice_id: tuple(ids[entity][each] for entity, each in of_it if each in ids[entity])
        for invoice_id, of_it in names.items()
    }


def _outdated(connection: Connection, rows: Sequence[invoices.Row]) -> set[str]:
    """Names of the documents these drafts rest on whose newest version could not be read."""
    ids = {entity: _sources(rows, entity) for entity in ("contract", "order")}
    ids["customer"] = [row.invoice.buyer.party_id for row in rows]
    return {
        f"{entity} {each}" for entity, of_it in ids.items() for each in documents.outdated(connection, entity, of_it)
    }


def _duplicate_of(row: invoices.Row, claims: Sequence[invoices.Claim]) -> str | None:
    """The other invoice with the best claim to what this one bills, if that goes before this one's own."""
    other = next((each for each in claims if each.invoice_id != row.invoice_id), None)
    if other is None:
        return None
    has_passed = other.state in (*invoices.PASSED_STATES, *invoices.RELEASED_STATES)
    return other.invoice_id if has_passed or other.seq < row.seq else None


def _billed_already(row: invoices.Row, released: Sequence[invoices.ReleasedPeriod]) -> tuple[str, ...]:
    """Released invoices of the same contract that bill days of this draft; other billing terms give the periods other ids."""
    start, end = row.invoice.period_start, row.invoice.period_end
    if row.source_entity != "contract" or start is None or end is None:
        return ()
    return tuple(
        f"{each.number} ({each.period_start} to {each.period_end})"
        for each in released
        if each.invoice_id != row.invoice_id and each.period_start <= end and start <= each.period_end
    )


def _prices(
    connection: Connection, hub: Hub, contracts: Mapping[str, Contract]
) -> dict[str, dict[str, PriceBookEntry]]:
    """Entries by legal entity and product, of the entity's own price book in its own currency."""
    wanted: dict[str, set[str]] = {}
    for contract in contracts.values():
        wanted.setdefault(contract.legal_entity, set()).update(line.product_code for line in contract.lines)
    return {code: _prices_of(connection, hub, code, products) for code, products in wanted.items()}


def _prices_of(connection: Connection, hub: Hub, code: str, products: set[str]) -> dict[str, PriceBookEntry]:
    entity = hub.policy.entities[code]
    ids = [f"{entity.price_book}/{product}/{entity.currency}" for product in sorted(products)]
    return {
        entry.product_code: entry
        for entry in documents.load(connection, "price_book_entry", ids, PriceBookEntry).values()
    }


def _erp_contracts(hub: Hub, contracts: Mapping[str, Contract]) -> dict[str, ErpContract | str]:
    """What each legal entity's ERP knows of the contracts, asked in bulk; text says why one cannot be read."""
    by_erp: dict[str, list[str]] = {}
    for contract in contracts.values():
        by_erp.setdefault(hub.policy.entities[contract.legal_entity].erp, []).append(contract.contract_id)
    found: dict[str, ErpContract | str] = {}
    for erp, ids in by_erp.items():
        mapping = hub.mapping(f"{erp}/sales_order")
        for contract_id, raw in _fetched(hub, erp, ids).items():
            mapped = mapping.apply(raw)
            defects = "; ".join(f"{each.source_path}: {each.message}" for each in mapped.problems)
            found[contract_id] = defects or msgspec.convert(mapped.document, ErpContract, strict=False)
    return found


def _fetched(hub: Hub, erp: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    connector = hub.connect(erp, Lookup)
    answers = retried(lambda: connector.fetch("salesOrder", ids))
    drift.observe(hub, Feed(source=erp, entity="sales_order", document="erp_contract"), answers)
    return answers


def _addresses(hub: Hub, rows: Sequence[invoices.Row], customers: Mapping[str, Customer]) -> dict[str, AddressCheck]:
    """What the address services say of the buyers' addresses, by invoice; valid answers are remembered."""
    by_service: dict[str, dict[str, Address]] = {}
    for row in rows:
        service = hub.policy.entities[row.invoice.legal_entity].address_service
        customer = customers.get(row.invoice.buyer.party_id)
        if service and customer and row.source_entity == "contract":
            by_service.setdefault(service, {})[row.invoice_id] = customer.address
    checks: dict[str, AddressCheck] = {}
    for service, addresses in by_service.items():
        answers = _ask(hub, service, {content_hash(address): address for address in addresses.values()})
        checks |= {invoice_id: answers[content_hash(address)] for invoice_id, address in addresses.items()}
    return checks


def _ask(hub: Hub, service: str, addresses: Mapping[str, Address]) -> dict[str, AddressCheck]:
    with reading(hub.engine) as connection:
        query = select(valid_addresses.c.address_hash).where(
            valid_addresses.c.service == service, valid_addresses.c.address_hash.in_(list(addresses))
        )
        known = {each: AddressCheck(valid=True) for each in connection.execute(query).scalars()}
    unknown = [each for each in addresses if each not in known]
    connector = hub.connect(service, AddressService)
    answers = retried(lambda: connector.check([addresses[each] for each in unknown])) if unknown else []
    fresh = dict(zip(unknown, answers, strict=True))
    _remember(hub, service, [each for each, answer in fresh.items() if answer.valid])
    return known | fresh


def _remember(hub: Hub, service: str, hashes: Sequence[str]) -> None:
    with transaction(hub.engine) as connection:
        insert_missing(connection, valid_addresses, [{"service": service, "address_hash": each} for each in hashes])
