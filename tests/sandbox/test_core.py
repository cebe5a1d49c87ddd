"""The sandbox's core: storage, supervisor and faults, with the tax engine as the system under them."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import requests

import sandbox
from sandbox.fault_rules import FAULTS, FaultBoard, rule_from_json
from sandbox.storage import DuplicateError, Storage, decode_json, encode_json, read_seed

ROOT = Path(sandbox.__file__).parents[1]
CREDENTIALS = ("2000134479", "MERIDIAN-0123456789AB")
CREATE = "POST /api/v2/transactions/create"
PATIENCE = 30
"""Seconds after which a process that should have ended counts as alive."""


# --- storage


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    with closing(Storage(tmp_path / "x.sqlite")) as opened:
        yield opened


def test_stored_objects_come_back_in_order_and_by_both_ids(storage: Storage) -> None:
    for number in (3, 1, 2):
        storage.insert("Invoice", str(number), {"n": number}, external_id=f"ext-{number}")

    assert [body["n"] for body in storage.list("Invoice")] == [3, 1, 2]
    assert storage.get("Invoice", "1") == {"n": 1}
    assert storage.get_by_external_id("Invoice", "ext-2") == {"n": 2}
    assert storage.get("Customer", "1") is None
    assert storage.counts() == {"Invoice": 3}


@pytest.mark.parametrize(("object_id", "external_id"), [("1", None), ("2", "ext")])
def test_insert_refuses_a_taken_id_or_external_id(storage: Storage, object_id: str, external_id: str | None) -> None:
    storage.insert("Invoice", "1", {}, external_id="ext")

    with pytest.raises(DuplicateError, match="Invoice"):
        storage.insert("Invoice", object_id, {}, external_id)

    storage.insert("Customer", "1", {}, external_id="ext")
    assert storage.count("Invoice") == 1


def test_put_replaces_in_place(storage: Storage) -> None:
    for number in (1, 2):
        storage.put("Invoice", str(number), {"n": number}, external_id=f"ext-{number}")

    storage.put("Invoice", "1", {"n": 9}, external_id="other")

    assert [body["n"] for body in storage.list("Invoice")] == [9, 2]
    assert storage.get_by_external_id("Invoice", "ext-1") is None
    with pytest.raises(DuplicateError):
        storage.put("Invoice", "1", {}, external_id="ext-2")


def test_patch_keeps_the_external_id_and_delete_frees_it(storage: Storage) -> None:
    storage.insert("Invoice", "1", {"a": 1, "b": 2}, external_id="ext")

    assert storage.patch("Invoice", "1", {"b": 3}) == {"a": 1, "b": 3}
    assert storage.get_by_external_id("Invoice", "ext") == {"a": 1, "b": 3}
    assert storage.patch("Invoice", "2", {}) is None
    assert storage.delete("Invoice", "1") is True
    assert storage.delete("Invoice", "1") is False
    storage.insert("Invoice", "2", {}, external_id="ext")


def test_a_failed_transaction_leaves_nothing_behind_however_deep(storage: Storage) -> None:
    def write_and_fail() -> None:
        with storage.transaction():
            storage.insert("Invoice", "1", {})
            with storage.transaction():
                storage.insert("Line", "1", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()

    assert storage.counts() == {}
    with storage.transaction():
        storage.insert("Invoice", "1", {})
    assert storage.counts() == {"Invoice": 1}


def test_sequences_and_objects_outlive_the_process(tmp_path: Path) -> None:
    with closing(Storage(tmp_path / "x.sqlite")) as first:
        assert [first.next_id("a"), first.next_id("a"), first.next_id("b")] == [1, 2, 1]
        first.insert("Invoice", "1", {"total": Decimal("10.10")})

    with closing(Storage(tmp_path / "x.sqlite")) as second:
        assert second.next_id("a") == 3
        assert second.get("Invoice", "1") == {"total": Decimal("10.10")}


@pytest.mark.parametrize("digits", ["0.1", "10.10", "0.00", "9007199254740993.01", "-1.000001"])
def test_a_number_keeps_all_its_digits(storage: Storage, digits: str) -> None:
    storage.insert("Invoice", "1", {"total": Decimal(digits)})

    body = storage.get("Invoice", "1")
    assert body is not None
    assert str(body["total"]) == digits
    assert encode_json(decode_json(f'{{"a":{digits}}}')).decode() == f'{{"a":{digits}}}'


def test_walking_a_long_list_goes_page_by_page_and_sees_later_objects(storage: Storage) -> None:
    with storage.transaction():
        for number in range(1200):
            storage.insert("Invoice", str(number), {"n": number})

    walk = storage.list("Invoice")
    first = next(walk)
    storage.insert("Invoice", "late", {"n": 1200})

    assert [first["n"], *(body["n"] for body in walk)] == list(range(1201))
    assert [body["n"] for _, body in storage.page("Invoice", after=1, limit=2)] == [1, 2]


def test_find_compares_one_text_field(storage: Storage) -> None:
    for number, customer in enumerate(["A", "B", "A"]):
        storage.insert("Invoice", str(number), {"n": number, "customer": customer})

    assert [body["n"] for body in storage.find("Invoice", "customer", "A")] == [0, 2]
    assert list(storage.find("Invoice", "absent", "A")) == []


def test_threads_share_one_storage_without_losing_numbers(storage: Storage) -> None:
    def work(name: int) -> None:
        for _ in range(50):
            with storage.transaction():
                number = storage.next_id("Invoice")
                storage.insert("Invoice", str(number), {"by": name})

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert storage.count("Invoice") == 200
    assert storage.next_id("Invoice") == 201


def test_a_seed_file_that_is_missing_is_empty(tmp_path: Path) -> None:
    (tmp_path / "erp").mkdir()
    (tmp_path / "erp" / "Item.csv").write_text("name,price\nChair,10.10\n")

    assert list(read_seed(tmp_path, "erp", "Item")) == [{"name": "Chair", "price": "10.10"}]
    assert list(read_seed(tmp_path, "erp", "Customer")) == []


# --- supervisor


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("seed")
    (root / "avatax").mkdir()
    (root / "avatax" / "Jurisdiction.csv").write_text(
        "country,region,postal_prefix,juris_type,juris_code,juris_name,tax_name,rate,valid_from,valid_to\n"
        "US,NY,,State,36,NEW YORK,NY STATE TAX,0.04,2020-01-01,\n"
    )
    return root


def invoice(code: str) -> dict[str, object]:
    address = {"line1": "1 Main St", "city": "Rochester", "region": "NY", "postalCode": "14604", "country": "US"}
    return {
        "type": "SalesInvoice",
        "code": code,
        "companyCode": "MERIDIAN-US",
        "customerCode": "A-0001",
        "date": "2026-01-15",
        "lines": [{"number": "1", "amount": 100}],
        "addresses": {"singleLocation": address},
    }


def call(session: requests.Session, url: str, code: str) -> requests.Response:
    return session.post(f"{url}/api/v2/transactions/create", json=invoice(code), timeout=PATIENCE)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        opened.auth = CREDENTIALS
        yield opened


def test_state_outlives_a_restart_and_the_seed_is_read_once(
    tmp_path: Path, seed: Path, session: requests.Session
) -> None:
    with sandbox.serve(tmp_path, systems=["avatax"], seed_dir=seed) as endpoints:
        assert json.loads((tmp_path / "endpoints.json").read_text()) == dict(endpoints)
        assert call(session, endpoints["avatax"], "I-1").status_code == 201

    with sandbox.serve(tmp_path, systems=["avatax"], seed_dir=tmp_path / "none") as endpoints:
        count = session.get(f"{endpoints['avatax']}/_sandbox/count", timeout=PATIENCE).json()
        assert count == {"Jurisdiction": 1, "Transaction": 1}


def test_endpoints_cannot_be_changed(tmp_path: Path, seed: Path) -> None:
    with sandbox.serve(tmp_path, systems=["avatax"], seed_dir=seed) as endpoints, pytest.raises(TypeError):
        endpoints["avatax"] = "elsewhere"  # type: ignore[index]


def test_an_unknown_system_is_refused_by_name(tmp_path: Path) -> None:
    with (
        pytest.raises(sandbox.SandboxError, match=r"sapphire.*known: .*avatax"),
        sandbox.serve(tmp_path, systems=["sapphire"]),
    ):
        pass


def test_a_system_that_does_not_start_shows_its_log(tmp_path: Path, seed: Path) -> None:
    broken = tmp_path / "seed" / "avatax"
    broken.mkdir(parents=True)
    header = (seed / "avatax" / "Jurisdiction.csv").read_text().splitlines()[0]
    (broken / "Jurisdiction.csv").write_text(f"{header}\nUS,NY,,State,36,NEW YORK,TAX,four percent,,\n")

    with (
        pytest.raises(sandbox.SandboxError, match=r"avatax ended.*(?s:.*)InvalidOperation"),
        sandbox.serve(tmp_path / "state", systems=["avatax", "mail"], seed_dir=tmp_path / "seed"),
    ):
        pass
    assert not (tmp_path / "state" / "endpoints.json").exists()


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def process_end(pid: int) -> Iterator[int]:
    """Open a file descriptor that becomes readable when the process ends, whoever its parent is."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def ends(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], PATIENCE)[0])


def serve_command(state: Path, seed: Path) -> list[str]:
    return [sys.executable, "-m", "sandbox", "serve", "--state", str(state), "--seed", str(seed), "--systems", "avatax"]


@contextmanager
def supervisor(state: Path, seed: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the command line until it has printed its endpoints, in a process group of its own."""
    process = subprocess.Popen(
        serve_command(state, seed), cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, "the supervisor ended before it was ready"
            text += line
        assert list(json.loads(text)) == ["avatax"]
        yield process
    finally:
        process.kill()
        process.communicate()


needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to watch foreign processes")


@needs_pidfd
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_children_end_with_their_supervisor_however_it_ends(tmp_path: Path, seed: Path, end: signal.Signals) -> None:
    with supervisor(tmp_path, seed) as process:
        [child] = children_of(process.pid)
        with process_end(child) as descriptor:
            # To the whole group, as a terminal does it on Ctrl-C.
            os.killpg(process.pid, end)

            assert ends(descriptor)
        assert process.wait(PATIENCE) == (0 if end is not signal.SIGKILL else -signal.SIGKILL)


@needs_pidfd
def test_the_supervisor_ends_with_its_own_parent(tmp_path: Path, seed: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "while p.stdout.readline() != b'}\\n': pass\n"
        "print(p.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, *serve_command(tmp_path, seed)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        with process_end(pid) as its_end, process_end(children_of(pid)[0]) as its_childs_end:
            parent.kill()

            assert ends(its_end)
            assert ends(its_childs_end)


@needs_pidfd
def test_a_system_that_dies_ends_the_supervisor_with_an_error(tmp_path: Path, seed: Path) -> None:
    with supervisor(tmp_path, seed) as process:
        os.kill(children_of(process.pid)[0], signal.SIGKILL)

        assert process.wait(PATIENCE) == 1


# --- faults


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, seed: Path) -> Iterator[str]:
    with sandbox.serve(tmp_path_factory.mktemp("state"), systems=["avatax"], seed_dir=seed) as endpoints:
        yield endpoints["avatax"]


@pytest.fixture
def url(running: str, session: requests.Session) -> str:
    session.delete(f"{running}/_sandbox/faults", timeout=PATIENCE)
    session.delete(f"{running}/_sandbox/requests", timeout=PATIENCE)
    return running


def inject(session: requests.Session, url: str, **rule: object) -> None:
    answer = session.post(f"{url}/_sandbox/faults", json={"match": CREATE, **rule}, timeout=PATIENCE)
    assert answer.status_code == 201, answer.text


def is_stored(session: requests.Session, url: str, code: str) -> bool:
    objects = session.get(f"{url}/_sandbox/objects/Transaction", timeout=PATIENCE).json()
    return code in [body["code"] for body in objects]


@pytest.mark.parametrize(
    ("fault", "error", "stored"),
    [
        ("refuse_before", requests.ConnectionError, False),
        ("reset_after", requests.ConnectionError, True),
        ("half_answer", requests.exceptions.ChunkedEncodingError, True),
    ],
)
def test_closing_faults_really_close_the_connection(
    url: str, session: requests.Session, fault: str, error: type[Exception], stored: bool
) -> None:
    inject(session, url, fault=fault)

    with pytest.raises(error):
        call(session, url, fault)

    assert is_stored(session, url, fault) is stored
    assert call(session, url, fault).status_code == 201


def test_reset_after_is_seen_as_a_reset(url: str, session: requests.Session) -> None:
    inject(session, url, fault="reset_after")

    with pytest.raises(requests.ConnectionError, match="ConnectionResetError"):
        call(session, url, "I-reset")


@pytest.mark.parametrize(("fault", "stored"), [("status", False), ("status_after_effect", True)])
def test_status_faults_answer_what_was_asked_for(url: str, session: requests.Session, fault: str, stored: bool) -> None:
    inject(session, url, fault=fault, status=503, body={"down": True}, headers={"Retry-After": "7"})

    answer = call(session, url, fault)

    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (503, {"down": True}, "7")
    assert is_stored(session, url, fault) is stored


@pytest.mark.parametrize(("fault", "status"), [("rate_limit", 429), ("unauthorized", 401)])
def test_refusals_have_the_vendors_shape(url: str, session: requests.Session, fault: str, status: int) -> None:
    inject(session, url, fault=fault)

    answer = call(session, url, fault)

    assert answer.status_code == status
    assert answer.json()["error"]["details"]
    assert not is_stored(session, url, fault)


def test_garbage_is_a_success_that_is_not_json(url: str, session: requests.Session) -> None:
    inject(session, url, fault="garbage")

    answer = call(session, url, "garbage")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert is_stored(session, url, "garbage")


def test_slow_answers_after_the_effect(url: str, session: requests.Session) -> None:
    inject(session, url, fault="slow", delay=3600)

    with pytest.raises(requests.ReadTimeout):
        session.post(f"{url}/api/v2/transactions/create", json=invoice("slow"), timeout=(PATIENCE, 0.5))

    deadline = time.monotonic() + PATIENCE
    while not is_stored(session, url, "slow"):
        assert time.monotonic() < deadline


def test_slow_gives_the_true_answer_in_the_end(url: str, session: requests.Session) -> None:
    inject(session, url, fault="slow", delay=0.05)

    assert call(session, url, "slowish").json()["code"] == "slowish"


def test_after_and_times_choose_the_requests_that_suffer(url: str, session: requests.Session) -> None:
    inject(session, url, fault="status", status=500, after=1, times=2)

    assert [call(session, url, f"n{number}").status_code for number in range(4)] == [201, 500, 500, 201]
    assert session.get(f"{url}/_sandbox/requests", timeout=PATIENCE).json() == {CREATE: 4}


def test_times_null_lasts_until_the_faults_are_switched_off(url: str, session: requests.Session) -> None:
    inject(session, url, match="POST /api/.*", fault="status", status=500, times=None)

    assert [call(session, url, "forever").status_code for _ in range(3)] == [500] * 3
    session.delete(f"{url}/_sandbox/faults", timeout=PATIENCE)
    assert call(session, url, "forever").status_code == 201


def test_operations_are_counted_by_path_template(url: str, session: requests.Session) -> None:
    for code in ("none-1", "none-2"):
        session.get(f"{url}/api/v2/companies/MERIDIAN-US/transactions/{code}", timeout=PATIENCE)
    session.get(f"{url}/nowhere", timeout=PATIENCE)

    counted = session.get(f"{url}/_sandbox/requests", timeout=PATIENCE).json()
    assert counted == {"GET /api/v2/companies/{company}/transactions/{code}": 2, "GET /nowhere": 1}


@pytest.mark.parametrize(
    "body", ['{"match": "x"}', '{"match": "x", "fault": "meteor"}', '{"fault": "slow"}', "nonsense", "[]"]
)
def test_a_malformed_fault_is_refused(url: str, session: requests.Session, body: str) -> None:
    answer = session.post(f"{url}/_sandbox/faults", data=body, timeout=PATIENCE)

    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("extra", [{"tmes": 3}, {"match": "("}, {"delay": "soon"}])
def test_a_rule_with_a_wrong_field_is_refused(extra: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        rule_from_json({"match": "x", "fault": FAULTS[0], **extra})


def test_the_first_rule_that_strikes_decides() -> None:
    board = FaultBoard()
    board.rules = [rule_from_json({"match": match, "fault": "slow", "delay": 1}) for match in ("add", "add.*", "other")]

    strikes = [board.take("addList"), board.take("add"), board.take("add")]

    assert strikes == [board.rules[1], board.rules[0], None]
    assert board.requests == {"addList": 1, "add": 2}


def test_objects_can_be_mended_and_removed(url: str, session: requests.Session) -> None:
    one = f"{url}/_sandbox/objects/Transaction/MERIDIAN-US/SalesInvoice/mend"
    assert session.patch(one, json={"locked": True}, timeout=PATIENCE).status_code == 404
    call(session, url, "mend")

    assert session.patch(one, json={"locked": True}, timeout=PATIENCE).json()["locked"] is True
    assert session.delete(one, timeout=PATIENCE).status_code == 204
    assert not is_stored(session, url, "mend")


def test_an_empty_kind_is_an_empty_list(url: str, session: requests.Session) -> None:
    assert session.get(f"{url}/_sandbox/objects/Nothing", timeout=PATIENCE).json() == []
