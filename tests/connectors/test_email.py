"""The e-mail connector against the sandbox's SMTP and IMAP servers."""

import hashlib
import smtplib
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

import sandbox
from canonical_model.errors import ConfigurationError
from connectors.conformance import TargetConformance, WriteCase
from connectors.contract import Idempotency, Target, WriteRequest
from connectors.email.connector import Email, connect
from connectors.email.message import MessageError, build, message_id
from connectors.email.settings import Settings
from connectors.errors import ConnectTimeoutError, CredentialsError, UnavailableError
from connectors.settings import Connection

SENDER = "billing@meridian.example"
REFUSED = "ap@loewenkamper.example"
DATA = "SMTP DATA"
NUMBERS = count(1)


class Mail:
    """The sandbox's mail provider, seen from its own side."""

    def __init__(self, endpoints: sandbox.Endpoints) -> None:
        self.endpoints = endpoints

    def fault(self, match: str, fault: str, *, times: int | None = 1, **more: Any) -> None:
        rule = {"match": match, "fault": fault, "times": times, **more}
        requests.post(f"{self._control}/faults", json=rule, timeout=30).raise_for_status()

    def clear(self) -> None:
        requests.delete(f"{self._control}/faults", timeout=30)

    def messages(self) -> list[dict[str, Any]]:
        return requests.get(f"{self._control}/objects/Message", timeout=30).json()

    def raw(self, uid: int) -> bytes:
        return requests.get(f"{self.endpoints['mail']}/messages/{uid}", timeout=30).content

    def sent(self, key: str) -> list[dict[str, Any]]:
        identifier = message_id(key, SENDER)
        return [message for message in self.messages() if message["message_id"].strip() == identifier]

    @property
    def _control(self) -> str:
        return f"{self.endpoints['mail']}/_sandbox"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mail]:
    with sandbox.serve(tmp_path_factory.mktemp("mail"), systems=["mail"]) as endpoints:
        yield Mail(endpoints)


@pytest.fixture
def mail(provider: Mail) -> Iterator[Mail]:
    provider.clear()
    yield provider
    provider.clear()


@pytest.fixture
def connector(mail: Mail) -> Email:
    return connect(connection(mail))


def connection(mail: Mail, **changes: Any) -> Connection:
    extra = {"sender": SENDER, "imap_host": mail.endpoints["imap"], "security": "none", **changes.pop("extra", {})}
    fields = {"host": mail.endpoints["smtp"], "login": SENDER, "password": "meridian-mail", "extra": extra, **changes}
    return Connection(conn_id="billhub_email", **fields)


def payload(**changes: Any) -> dict[str, Any]:
    message = {
        "to": ["ap@northwind.example"],
        "subject": "Invoice US-000001",
        "text": "Enclosed.",
        "date": "2026-01-15",
    }
    return {**message, **changes}


def request(**changes: Any) -> WriteRequest:
    return WriteRequest(key=f"message-{next(NUMBERS)}", payload=payload(**changes))


class TestMessages(TargetConformance):
    @pytest.fixture
    def case(self, mail: Mail) -> WriteCase:
        return WriteCase(
            open=lambda: connect(connection(mail)),
            vendor=mail,
            entity="message",
            operation=DATA,
            request=request,
            refused=lambda: request(to=[REFUSED]),
            effects=lambda: len(mail.messages()),
        )


def test_is_a_target_that_declares_its_window(connector: Email, mail: Mail) -> None:
    assert isinstance(connector, Target)
    assert connector.capabilities.idempotency == {"message": Idempotency.LOOKUP_AFTER_WINDOW}
    assert connector.capabilities.in_flight_window == 600
    assert connect(connection(mail, extra={"in_flight_window": "5"})).capabilities.in_flight_window == 5


def test_ping_proves_both_logins(connector: Email, mail: Mail) -> None:
    assert SENDER in connector.ping()
    with pytest.raises(CredentialsError, match="send"):
        connect(connection(mail, password="wrong")).ping()
    with pytest.raises(CredentialsError, match="journal"):
        connect(connection(mail, extra={"imap_password": "wrong"})).ping()


def test_a_message_arrives_whole(connector: Email, mail: Mail) -> None:
    pdf = b"%PDF-1.7\n\x00\xff"
    sent = WriteRequest(
        key="whole",
        payload=payload(
            to=["ap@northwind.example", "cfo@northwind.example"],
            subject="Rechnung für Müller",
            text="Grüße\n.\nEnde",
            reply_to="help@meridian.example",
            headers={"X-Invoice": "US-000001"},
        ),
        attachments={"invoice.pdf": pdf, "invoice.xml": b"<Invoice/>"},
    )
    [outcome] = connector.write("message", [sent])
    [stored] = mail.sent("whole")
    message = message_from_bytes(mail.raw(stored["uid"]), policy=policy.default)
    assert (outcome.state, outcome.native_id) == ("confirmed", message_id("whole", SENDER))
    assert stored["rcpt_tos"] == ["ap@northwind.example", "cfo@northwind.example"]
    assert (message["Subject"], message["X-Invoice"]) == ("Rechnung für Müller", "US-000001")
    assert message["Date"] == "Thu, 15 Jan 2026 00:00:00 +0000"
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == "Grüße\n.\nEnde\n"
    assert {
        part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()
    } == sent.attachments


def test_what_was_sent_is_found_for_comparison(connector: Email) -> None:
    text = "Grüße\n\nEnde"
    sent = WriteRequest(
        key="found", payload=payload(text=text, reply_to="help@meridian.example"), attachments={"a.pdf": b"x"}
    )
    connector.write("message", [sent])
    found = connector.find("message", ["found", "never sent"])
    assert list(found) == ["found"]
    assert found["found"].payload == {
        "to": ["ap@northwind.example"],
        "subject": "Invoice US-000001",
        "text": text,
        "reply_to": "help@meridian.example",
    }
    assert found["found"].native_id == message_id("found", SENDER)
    assert found["found"].answer == {
        "copies": 1,
        "date": "2026-01-15T00:00:00+00:00",
        "attachments": {"a.pdf": hashlib.sha256(b"x").hexdigest()},
    }


def test_the_bytes_depend_on_nothing_but_the_request() -> None:
    sent = WriteRequest(key="same", payload=payload(), attachments={"a.pdf": b"x" * 100, "b.bin": b"\x00"})
    assert build(sent, SENDER) == build(sent, SENDER)
    other = WriteRequest(key="other", payload=payload(), attachments=sent.attachments)
    assert build(sent, SENDER).message_id != build(other, SENDER).message_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": []}, "to"),
        ({"to": ["not an address"]}, "to"),
        ({"to": ["a@b.example>\r\nRCPT TO:<x@y.example"]}, "to"),
        ({"to": ["jörg@b.example"]}, "to"),
        ({"subject": ""}, "subject"),
        ({"subject": "Invoice\r\nBcc: x@y.example"}, "Subject"),
        ({"headers": {"X-Note": "a\nb: c"}}, "X-Note"),
        ({"headers": {"To": "x@y.example"}}, "To"),
        ({"text": None}, "text"),
        ({"date": "yesterday"}, "date"),
    ],
)
def test_what_makes_no_message_is_refused_and_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(MessageError) as raised:
        build(request(**change), SENDER)
    assert raised.value.field == field


def test_an_invalid_message_holds_back_no_other(connector: Email, mail: Mail) -> None:
    good, bad = request(), request(to=["nobody"])
    first, second = connector.write("message", [bad, good])
    assert (first.state, first.error.code, first.error.field) == ("rejected", "invalid_message", "to")
    assert (second.state, len(mail.sent(good.key))) == ("confirmed", 1)


def test_a_refused_recipient_refuses_the_whole_message(connector: Email, mail: Mail) -> None:
    sent = request(to=["ap@northwind.example", REFUSED])
    [outcome] = connector.write("message", [sent])
    assert (outcome.state, outcome.error.code, outcome.error.field) == ("rejected", "550", "to")
    assert "accepts no invoices by email" in outcome.error.message
    assert mail.sent(sent.key) == []


@pytest.mark.parametrize(("status", "state", "code"), [(451, "pending", "unavailable"), (552, "rejected", "552")])
def test_a_reply_to_the_data_decides(connector: Email, mail: Mail, status: int, state: str, code: str) -> None:
    mail.fault(DATA, "status", status=status, body="4.3.0 because")
    sent = request()
    [outcome] = connector.write("message", [sent])
    assert (outcome.state, outcome.error.code) == (state, code)
    assert mail.sent(sent.key) == []


def test_a_lost_connection_is_renewed_for_the_rest_of_the_batch(connector: Email, mail: Mail) -> None:
    mail.fault(DATA, "reset_after", after=1)
    batch = [request() for _ in range(4)]
    assert [outcome.state for outcome in connector.write("message", batch)] == [
        "confirmed",
        "uncertain",
        "confirmed",
        "confirmed",
    ]
    assert [len(mail.sent(one.key)) for one in batch] == [1, 1, 1, 1]


def test_without_a_server_everything_is_pending(connector: Email, mail: Mail) -> None:
    closed = connect(connection(mail, host=f"smtp://127.0.0.1:{unused_port()}"))
    outcomes = closed.write("message", [request(), request()])
    assert [(outcome.state, outcome.error.code) for outcome in outcomes] == [("pending", "connect_timeout")] * 2


def test_without_the_journal_nothing_is_sent(mail: Mail) -> None:
    blind = connect(connection(mail, extra={"imap_host": f"imap://127.0.0.1:{unused_port()}"}))
    sent = request()
    [outcome] = blind.write("message", [sent])
    assert (outcome.state, mail.sent(sent.key)) == ("pending", [])
    with pytest.raises(ConnectTimeoutError):
        blind.find("message", [sent.key])


@pytest.mark.parametrize("fault", ["refuse_before", "status"])
def test_a_journal_that_fails_is_unavailable(connector: Email, mail: Mail, fault: str) -> None:
    mail.fault("IMAP (UID|SEARCH|UID SEARCH)", fault)
    with pytest.raises(UnavailableError):
        connector.find("message", ["any"])


def test_a_missing_mailbox_is_unavailable(mail: Mail) -> None:
    with pytest.raises(UnavailableError, match="Nowhere"):
        connect(connection(mail, extra={"mailbox": "Nowhere"})).find("message", ["any"])


def test_the_journal_address_gets_a_blind_copy(mail: Mail) -> None:
    sent = request()
    connect(connection(mail, extra={"journal_address": "journal@meridian.example"})).write("message", [sent])
    [stored] = mail.sent(sent.key)
    assert stored["rcpt_tos"] == ["ap@northwind.example", "journal@meridian.example"]
    assert b"journal@" not in mail.raw(stored["uid"])


def test_every_copy_counts(connector: Email, mail: Mail) -> None:
    before, built = connector.count("message"), build(request(), SENDER)
    for _ in range(2):
        send_directly(mail, built.content)
    assert connector.count("message") == before + 2


def send_directly(mail: Mail, content: bytes) -> None:
    address = urlsplit(mail.endpoints["smtp"])
    with smtplib.SMTP(address.hostname, address.port, timeout=30) as session:
        session.login(SENDER, "meridian-mail")
        session.sendmail(SENDER, ["ap@northwind.example"], content)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_settings_from_urls_and_defaults() -> None:
    extra = {"sender": SENDER, "imap_host": "imap.example"}
    settings = Settings.from_connection(
        Connection(conn_id="c", host="smtp.example", login="u", password="p", extra=extra)
    )
    assert (settings.smtp.port, settings.smtp.security, settings.imap.port) == (587, "starttls", 993)
    assert (settings.imap.login, settings.imap.password, settings.mailbox) == ("u", "p", "INBOX")
    assert "p'" not in repr(settings)


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"imap_host": "imap.example"}, "sender"),
        ({"sender": SENDER}, "imap_host"),
        ({"sender": "nobody", "imap_host": "i"}, "sender"),
        ({"sender": SENDER, "imap_host": "i", "security": "maybe"}, "maybe"),
        ({"sender": SENDER, "imap_host": "i", "imap_port": "x"}, "imap_port"),
        ({"sender": SENDER, "imap_host": "imap://i:port"}, "imap_host"),
    ],
)
def test_a_wrong_setting_names_itself(extra: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        Settings.from_connection(Connection(conn_id="billhub_email", host="smtp.example", extra=extra))


def test_connecting_does_no_io() -> None:
    extra = {"sender": SENDER, "imap_host": "imap.invalid"}
    connect(Connection(conn_id="c", host="smtp.invalid", extra=extra)).close()


def test_a_large_attachment(connector: Email) -> None:
    content = bytes(range(256)) * 2000
    connector.write("message", [WriteRequest(key="large", payload=payload(), attachments={"x.pdf": content})])
    digest = hashlib.sha256(content).hexdigest()
    assert connector.find("message", ["large"])["large"].answer["attachments"] == {"x.pdf": digest}
