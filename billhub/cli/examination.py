"""What `billhub doctor` looks at, in order: files first, then the store, then the systems."""

from collections.abc import Callable, Iterator
from functools import partial

import msgspec
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

import mappings
from billhub.cli import exits
from billhub.flows import Flow, load_flows
from billhub.hub import compiled
from billhub.policy import Policy, load
from billhub.routing import deliveries
from billhub.store import mapping_versions
from billhub.store.engine import MIGRATIONS, open_engine, reading
from billhub.store.mapping_versions import Kept
from canonical_model.errors import ConfigurationError, HubError, MappingError
from connectors import registry
from connectors.settings import from_environment


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at.

    Attributes:
        what: Which one.
        code: `exits.DONE`, `exits.CONFIGURATION` or `exits.UNAVAILABLE`.
        text: What was found, and how to mend it where it is wrong.
    """

    what: str
    code: int
    text: str


def examine() -> Iterator[Finding]:
    """Look at everything; each finding comes as soon as it is known. What cannot be read hides only what follows from it."""
    policy: list[Policy] = []
    flows: list[Flow] = []
    yield _looked_at("policy file", partial(_policy, policy))
    yield _looked_at("flows", partial(_flows, flows))
    yield _looked_at("mappings", _mappings)
    store = _looked_at("store", _store)
    yield store
    if store.code == exits.DONE:
        yield _looked_at("active mappings", _active_mappings)
    for each in policy:
        yield _looked_at("deliveries", partial(_deliveries, each))
    for system, why in _needed(policy, flows).items():
        yield _looked_at(f"connection {system}", partial(_system, system), why=why)


def _looked_at(what: str, look: Callable[[], str], *, why: str = "") -> Finding:
    try:
        return Finding(what=what, code=exits.DONE, text=look())
    except (ConfigurationError, MappingError) as error:
        return Finding(what=what, code=exits.CONFIGURATION, text=f"{error}{why}")
    except SQLAlchemyError as error:
        return Finding(
            what=what,
            code=exits.UNAVAILABLE,
            text=f"{error.__class__.__name__}: {error}. Correct HUB_DATABASE_URL or start the database.",
        )
    except HubError as error:
        code = exits.code_of(error)
        return Finding(what=what, code=code if code in _KNOWN else exits.UNAVAILABLE, text=f"{error}{why}")


_KNOWN = (exits.CONFIGURATION, exits.UNAVAILABLE)


def _policy(into: list[Policy]) -> str:
    policy = load()
    into.append(policy)
    return f"version {policy.version}, legal entities {', '.join(policy.entities)}"


def _flows(into: list[Flow]) -> str:
    into.extend(load_flows().values())
    for task in (task for flow in into for task in flow.tasks if task.feed):
        if task.feed and task.feed.mapping not in mappings.names():
            raise ConfigurationError(
                f"task {task.id} needs mapping {task.feed.mapping}, which does not exist; see billhub map list"
            )
    return f"{len(into)} flows: {', '.join(flow.id for flow in into)}"


def _mappings() -> str:
    names = mappings.names()
    for name in names:
        mappings.load(name)
    return f"{len(names)} mappings compile"


def _store() -> str:
    engine = open_engine()
    try:
        with reading(engine) as connection:
            present = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    newest = ScriptDirectory.from_config(config).get_current_head()
    place = engine.url.render_as_string(hide_password=True)
    if present != newest:
        raise ConfigurationError(
            f"{place} has schema {present or 'none'}, the hub needs {newest}; any command that opens the hub brings it there: billhub runs list"
        )
    return f"{place}, schema {present}"


def _active_mappings() -> str:
    """Each active version still compiles; that files differ from it is told, not wrong: they may be waiting for their promotion."""
    differing, faults, count = [], [], 0
    engine = open_engine()
    try:
        with reading(engine) as connection:
            for name in mappings.names():
                kept = mapping_versions.active(connection, name)
                count += kept is not None
                faults += _faults(kept) if kept else []
                if kept is None or kept.fingerprint != mappings.bundle_of(name).fingerprint:
                    differing.append(name)
    finally:
        engine.dispose()
    if faults:
        raise ConfigurationError("\n".join(faults))
    differ = f"; files that differ: {', '.join(differing)}, see billhub map diff {differing[0]}" if differing else ""
    return f"{count} active versions compile{differ}"


def _faults(kept: Kept) -> list[str]:
    try:
        compiled(kept.mapping, kept.bundle)
    except MappingError as error:
        return [
            f"this release cannot compile the active version {kept.version} of {kept.mapping}: {error}\n"
            f"mend it with billhub map promote {kept.mapping}, or billhub map rollback {kept.mapping} --to VERSION"
        ]
    return []


def _deliveries(policy: Policy) -> str:
    wanted = [(target, each) for target in _targets(policy) for each in deliveries(target)]
    for target, each in wanted:
        if each.mapping not in mappings.names():
            raise ConfigurationError(
                f"connectors/{target}/deliveries.yaml names mapping {each.mapping}, which does not exist; see billhub map list"
            )
    return f"{len(wanted)} kinds to {', '.join(_targets(policy))}"


def _targets(policy: Policy) -> list[str]:
    return list(dict.fromkeys(target for entity in policy.entities.values() for target in entity.targets))


def _needed(policies: list[Policy], flows: list[Flow]) -> dict[str, str]:
    """Systems in order, with who needs them."""
    reasons: dict[str, list[str]] = {}
    for code, entity in ((code, entity) for policy in policies for code, entity in policy.entities.items()):
        for system in (entity.tax_engine, entity.erp, entity.address_service, *entity.targets):
            if system:
                reasons.setdefault(system, []).append(code)
    for flow in flows:
        for task in flow.tasks:
            if task.feed and flow.schedule:
                reasons.setdefault(task.feed.source, []).append(f"flow {flow.id}")
    return {system: f" (needed by {', '.join(dict.fromkeys(why))})" for system, why in reasons.items()}


def _system(system: str) -> str:
    connector = registry.connect(system, from_environment(system))
    try:
        return connector.ping()
    finally:
        connector.close()
