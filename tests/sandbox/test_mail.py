"""The mail stand-in, as Python's own smtplib and imaplib see it."""

import imaplib
import re
import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

import sandbox
from sandbox.mail.imap_syntax import MalformedCommandError, fetch_items, header_fields, sequence_set, tokens

PATIENCE = 30
USER, SECRET = "billing@meridian.example", "meridian-mail"


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sandbox.Endpoints]:
    seed = tmp_path_factory.mktemp("seed")
    (seed / "mail").mkdir()
    (seed / "mail" / "RejectedDomain.csv").write_text(
        "domain,code,message\nbounces.example,,\nno-invoices.example,550,5.7.1 No invoices by email\n"
    )
    with sandbox.serve(tmp_path_factory.mktemp("state"), systems=["mail"], seed_dir=seed) as endpoints:
        yield endpoints


@pytest.fixture
def smtp(mail: sandbox.Endpoints) -> Iterator[smtplib.SMTP]:
    requests.delete(f"{mail['mail']}/_sandbox/faults", timeout=PATIENCE)
    connection = connect(mail)
    yield connection
    connection.close()


def connect(mail: sandbox.Endpoints) -> smtplib.SMTP:
    address = urlsplit(mail["smtp"])
    connection = smtplib.SMTP(address.hostname or "", address.port or 0, timeout=PATIENCE)
    connection.login(USER, SECRET)
    return connection


@pytest.fixture
def imap(mail: sandbox.Endpoints) -> Iterator[imaplib.IMAP4]:
    address = urlsplit(mail["imap"])
    with imaplib.IMAP4(address.hostname or "", address.port or 0, timeout=PATIENCE) as connection:
        connection.login(USER, SECRET)
        connection.select("INBOX", readonly=True)
        yield connection


def message(name: str, *, to: str = "ap@northwind.example") -> EmailMessage:
    built = EmailMessage()
    built["From"], built["To"], built["Message-ID"] = USER, to, f"<{name}@meridian.example>"
    built["Subject"] = f"Rechnung für {name}"
    built.set_content("Invoice enclosed.\n.\nA line of one dot must survive.\n")
    built.add_attachment(bytes(range(256)) * 4, maintype="application", subtype="pdf", filename="invoice.pdf")
    return built


def stored(mail: sandbox.Endpoints, name: str) -> list[dict[str, object]]:
    objects = requests.get(f"{mail['mail']}/_sandbox/objects/Message", timeout=PATIENCE).json()
    return [body for body in objects if body["message_id"] == f"<{name}@meridian.example>"]


def inject(mail: sandbox.Endpoints, match: str, **rule: object) -> None:
    answer = requests.post(f"{mail['mail']}/_sandbox/faults", json={"match": match, **rule}, timeout=PATIENCE)
    assert answer.status_code == 201, answer.text


# --- SMTP


def test_a_message_is_kept_whole_with_its_envelope(mail: sandbox.Endpoints, smtp: smtplib.SMTP) -> None:
    refused = smtp.send_message(message("whole"), USER, ["ap@northwind.example", "cfo@northwind.example"])

    [body] = stored(mail, "whole")
    raw = requests.get(f"{mail['mail']}/messages/{body['uid']}", timeout=PATIENCE).content
    assert refused == {}
    assert (body["mail_from"], body["rcpt_tos"]) == (USER, ["ap@northwind.example", "cfo@northwind.example"])
    assert b"A line of one dot must survive." in raw
    assert len(raw) == body["size"]
    assert requests.get(f"{mail['mail']}/messages/999999", timeout=PATIENCE).status_code == 404


def test_what_was_sent_byte_for_byte(mail: sandbox.Endpoints, smtp: smtplib.SMTP) -> None:
    raw = b"Message-ID: <bytes@meridian.example>\r\nSubject: =?x-none?q?odd?=\r\n\r\n.dot\r\n\xff\xfe bytes\r\n"

    smtp.sendmail(USER, ["ap@northwind.example"], raw)

    [body] = stored(mail, "bytes")
    assert requests.get(f"{mail['mail']}/messages/{body['uid']}", timeout=PATIENCE).content == raw


def test_the_same_message_sent_twice_is_there_twice(mail: sandbox.Endpoints, smtp: smtplib.SMTP) -> None:
    smtp.send_message(message("twice"))
    smtp.send_message(message("twice"))

    assert len(stored(mail, "twice")) == 2


@pytest.mark.parametrize(
    ("address", "code", "text"),
    [("ap@bounces.example", 550, b"5.1.1"), ("AP@No-Invoices.example", 550, b"5.7.1 No invoices by email")],
)
def test_seeded_domains_are_refused(
    mail: sandbox.Endpoints, smtp: smtplib.SMTP, address: str, code: int, text: bytes
) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        smtp.send_message(message("refused", to=address))

    assert refusal.value.recipients[address][0] == code
    assert refusal.value.recipients[address][1].startswith(text)
    assert stored(mail, "refused") == []


def test_one_refused_recipient_does_not_stop_the_others(mail: sandbox.Endpoints, smtp: smtplib.SMTP) -> None:
    refused = smtp.send_message(message("some"), USER, ["a@northwind.example", "b@bounces.example"])

    assert list(refused) == ["b@bounces.example"]
    assert stored(mail, "some")[0]["rcpt_tos"] == ["a@northwind.example"]


def test_a_wrong_password_is_refused(mail: sandbox.Endpoints) -> None:
    address = urlsplit(mail["smtp"])
    with smtplib.SMTP(address.hostname or "", address.port or 0, timeout=PATIENCE) as connection:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            connection.login(USER, "wrong")
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            connection.send_message(message("anonymous"))


@pytest.mark.parametrize(("fault", "copies"), [("refuse_before", 0), ("reset_after", 1)])
def test_a_connection_dropped_around_data(mail: sandbox.Endpoints, smtp: smtplib.SMTP, fault: str, copies: int) -> None:
    inject(mail, "SMTP DATA", fault=fault)

    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        smtp.send_message(message(fault))

    assert len(stored(mail, fault)) == copies
    again = connect(mail)
    again.send_message(message(fault))
    again.quit()
    assert len(stored(mail, fault)) == copies + 1


@pytest.mark.parametrize(
    ("rule", "code", "copies"),
    [
        ({"fault": "status", "status": 451, "body": "4.3.0 Mailbox busy"}, 451, 0),
        ({"fault": "rate_limit"}, 451, 0),
        ({"fault": "unauthorized"}, 530, 0),
        ({"fault": "status_after_effect", "status": 451}, 451, 1),
    ],
)
def test_data_is_answered_by_a_refusal(
    mail: sandbox.Endpoints, smtp: smtplib.SMTP, rule: dict[str, object], code: int, copies: int
) -> None:
    name = f"refusal-{rule['fault']}"
    inject(mail, "SMTP DATA", **rule)

    with pytest.raises(smtplib.SMTPDataError) as refusal:
        smtp.send_message(message(name))

    assert refusal.value.smtp_code == code
    assert len(stored(mail, name)) == copies


def test_a_slow_server_still_says_yes(mail: sandbox.Endpoints, smtp: smtplib.SMTP) -> None:
    inject(mail, "SMTP DATA", fault="slow", delay=0.05)

    assert smtp.send_message(message("slow")) == {}
    assert len(stored(mail, "slow")) == 1


# --- IMAP


def test_the_journal_is_searched_by_message_id(smtp: smtplib.SMTP, imap: imaplib.IMAP4) -> None:
    smtp.send_message(message("find-me"))

    status, found = imap.search(None, "HEADER", "Message-ID", "<find-me@meridian.example>")
    [number] = found[0].split()
    _, absent = imap.uid("SEARCH", "HEADER", "Message-ID", '"<find-nobody@meridian.example>"')
    _, by_uid = imap.uid("SEARCH", "HEADER", "message-id", '"<FIND-ME@meridian.example>"')

    assert status == "OK"
    assert absent == [b""]
    assert by_uid == [number]


def test_messages_are_fetched_as_they_were_sent(
    mail: sandbox.Endpoints, smtp: smtplib.SMTP, imap: imaplib.IMAP4
) -> None:
    smtp.send_message(message("fetch"))
    [body] = stored(mail, "fetch")
    uid = str(body["uid"])
    raw = requests.get(f"{mail['mail']}/messages/{uid}", timeout=PATIENCE).content

    whole = imap.uid("FETCH", uid, "(BODY.PEEK[] FLAGS RFC822.SIZE)")[1][0]
    header = imap.fetch(uid, "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1][0]

    assert isinstance(whole, tuple)
    assert isinstance(header, tuple)
    assert whole[1] == raw
    assert re.match(rb"\d+ \(UID %s BODY\[\] \{%d\}" % (uid.encode(), len(raw)), whole[0])
    assert header[1] == b"Message-ID: <fetch@meridian.example>\r\n\r\n"
    size = imap.fetch(uid, "(RFC822.SIZE INTERNALDATE)")[1][0]
    assert size == b'%s (RFC822.SIZE %d INTERNALDATE "%s")' % (uid.encode(), len(raw), internal_date(body))


def internal_date(body: dict[str, object]) -> bytes:
    return f"15-Jan-2026 {str(body['received'])[11:19]} +0000".encode()


def test_keys_are_joined_by_and(smtp: smtplib.SMTP, imap: imaplib.IMAP4) -> None:
    smtp.send_message(message("first"))
    smtp.send_message(message("second"))
    count = int(imap.select("INBOX", readonly=True)[1][0] or 0)

    def search(*criteria: str) -> list[bytes]:
        return list(imap.search(None, *criteria)[1][0].split())

    assert len(search("ALL")) == count
    assert search("SUBJECT", '"rechnung f"', f"{count - 1}:*") == [b"%d" % (count - 1), b"%d" % count]
    assert search("FROM", USER, "TO", "northwind", "HEADER", "Message-ID", "second@") == [b"%d" % count]
    assert search("UID", f"{count}", "SUBJECT", "first") == []


def test_the_journal_is_read_only_and_needs_the_right_password(mail: sandbox.Endpoints) -> None:
    address = urlsplit(mail["imap"])
    connection = imaplib.IMAP4(address.hostname or "", address.port or 0, timeout=PATIENCE)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        connection.login(USER, "wrong")
    connection.login(USER, SECRET)
    assert connection.select("Drafts", readonly=True)[0] == "NO"
    with pytest.raises(imaplib.IMAP4.readonly):
        connection.select("INBOX")
    connection.shutdown()


def test_nothing_is_shown_without_a_login(mail: sandbox.Endpoints) -> None:
    address = urlsplit(mail["imap"])
    commands = ("a SELECT INBOX", "b SEARCH ALL", "c UID FETCH 1 BODY[]", "d LOGIN me", "e", "")
    with socket.create_connection((address.hostname or "", address.port or 0), PATIENCE) as connection:
        connection.sendall("".join(f"{command}\r\n" for command in (*commands, "z LOGOUT")).encode())
        answers = connection.makefile().read().splitlines()

    assert [answer.split()[:2] for answer in answers[1:6]] == [[tag, "BAD"] for tag in "abcde"]
    assert answers[-2:] == ["* BYE logging out", "z OK LOGOUT completed"]


def test_what_is_not_understood_is_answered_bad(imap: imaplib.IMAP4) -> None:
    for command in (("STORE", "1", "+FLAGS", "\\Deleted"), ("SEARCH", "SENTIMENT"), ("FETCH", "1", "(ENVELOPE)")):
        with pytest.raises(imaplib.IMAP4.error, match="BAD"):
            imap.uid(*command)
    assert imap.noop()[0] == "OK"


def test_an_imap_command_can_be_refused(mail: sandbox.Endpoints, imap: imaplib.IMAP4) -> None:
    inject(mail, "IMAP SEARCH", fault="status")

    assert imap.search(None, "ALL")[0] == "NO"
    assert imap.search(None, "ALL")[0] == "OK"


def test_an_imap_connection_can_be_dropped(mail: sandbox.Endpoints) -> None:
    address = urlsplit(mail["imap"])
    inject(mail, "IMAP NOOP", fault="refuse_before")
    connection = imaplib.IMAP4(address.hostname or "", address.port or 0, timeout=PATIENCE)

    with pytest.raises((imaplib.IMAP4.abort, ConnectionResetError)):
        connection.noop()
    connection.shutdown()


# --- grammar


def test_tokens_unquote() -> None:
    assert tokens(r'HEADER Message-ID "<a \"b\" c>" ""') == ["HEADER", "Message-ID", '<a "b" c>', ""]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1", [1]),
        ("2:4", [2, 3, 4]),
        ("4:2", [2, 3, 4]),
        ("1,3,5:*", [1, 3, 5, 6]),
        ("*", [6]),
        ("5:99", [5, 6]),
        ("9", []),
    ],
)
def test_a_sequence_set_is_cut_at_the_highest_number(text: str, numbers: list[int]) -> None:
    assert list(sequence_set(text, 6)) == numbers


@pytest.mark.parametrize("text", ["", "a", "1:", "1;2", "1,,2"])
def test_a_malformed_sequence_set_is_refused(text: str) -> None:
    with pytest.raises(MalformedCommandError):
        list(sequence_set(text, 6))


def test_fetch_items_keep_their_sections() -> None:
    text = "(uid body.peek[header.fields (subject from)] RFC822.SIZE)"
    assert fetch_items(text) == ["UID", "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)]", "RFC822.SIZE"]


def test_header_fields_keep_folded_lines() -> None:
    raw = b"To: a\r\nSubject: one\r\n two\r\nFrom: b\r\n\r\nbody"
    assert header_fields(raw, ["subject"]) == b"Subject: one\r\n two\r\n\r\n"


def test_messages_outlive_a_restart(tmp_path: Path) -> None:
    with sandbox.serve(tmp_path, systems=["mail"], seed_dir=tmp_path) as endpoints, connect(endpoints) as connection:
        connection.send_message(message("kept"))

    with sandbox.serve(tmp_path, systems=["mail"], seed_dir=tmp_path) as endpoints:
        assert set(endpoints) == {"mail", "smtp", "imap"}
        assert [
            body["message_id"] for body in requests.get(f"{endpoints['mail']}/messages", timeout=PATIENCE).json()
        ] == ["<kept@meridian.example>"]
