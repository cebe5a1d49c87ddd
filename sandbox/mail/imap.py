"""The looking side: a read-only IMAP4rev1 server (RFC 3501) over the journal, one mailbox, INBOX.

Messages are never removed, so a message's sequence number and its UID are the same.
Understood are CAPABILITY, NOOP, LOGOUT, LOGIN, LIST, SELECT, EXAMINE, CLOSE, SEARCH and FETCH, the
last two also after UID. SEARCH knows ALL, HEADER, FROM, TO, SUBJECT, UID and a sequence set, joined
by "and". Faults strike operations such as "IMAP SEARCH": `refuse_before` ends the connection, any
other fault is answered NO.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime

from sandbox.fault_rules import FaultBoard
from sandbox.faults import drop_connection
from sandbox.mail.imap_syntax import (
    MalformedCommandError,
    fetch_items,
    header_fields,
    header_part,
    sequence_set,
    tokens,
)
from sandbox.mail.post_office import PostOffice
from sandbox.storage import Body

CAPABILITIES = "IMAP4rev1"
MAILBOX = "INBOX"
UID_VALIDITY = 1
HEADER_KEYS = ("FROM", "TO", "SUBJECT")

Predicate = Callable[[Body], bool]


class RefusalError(Exception):
    """A command that is understood but not allowed now; it is answered NO."""


class Session:
    """One IMAP connection."""

    def __init__(
        self, office: PostOffice, board: FaultBoard, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve a connection over `office`."""
        self._office, self._board = office, board
        self._reader, self._writer = reader, writer
        self._known, self._selected, self._ended = False, False, False
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "CAPABILITY": self._capability,
            "NOOP": self._noop,
            "LOGOUT": self._logout,
            "LOGIN": self._login,
            "LIST": self._list,
            "SELECT": self._select,
            "EXAMINE": self._select,
            "CLOSE": self._close,
            "SEARCH": self._search,
            "FETCH": self._fetch,
            "UID": self._uid,
        }

    async def run(self) -> None:
        """Answer commands until the client leaves."""
        self._send(f"* OK [CAPABILITY {CAPABILITIES}] ready")
        while not self._ended and (line := await self._reader.readline()):
            await self._answer(line.decode("utf-8", "replace").strip())
            await self._writer.drain()
        self._writer.close()

    async def _answer(self, line: str) -> None:
        tag, _, rest = line.partition(" ")
        name, _, arguments = rest.partition(" ")
        command = self._commands.get(name.upper())
        if command is None:
            self._send(f"{tag or '*'} BAD unknown command")
        elif not self._strike(tag, name.upper()):
            await self._run(command, f"{tag} {name.upper()}", arguments)

    async def _run(self, command: Callable[[str], Awaitable[None]], title: str, arguments: str) -> None:
        tag, _, name = title.partition(" ")
        try:
            await command(arguments)
        except MalformedCommandError as error:
            self._send(f"{tag} BAD {error}")
        except RefusalError as refusal:
            self._send(f"{tag} NO {refusal}")
        else:
            self._send(f"{tag} OK {'[READ-ONLY] ' if name in ('SELECT', 'EXAMINE') else ''}{name} completed")

    def _strike(self, tag: str, name: str) -> bool:
        if (rule := self._board.take(f"IMAP {name}")) is None:
            return False
        if rule.fault == "refuse_before":
            self._ended = True
            drop_connection(self._writer.transport, reset=False)
        else:
            self._send(f"{tag} NO [UNAVAILABLE] try again later")
        return True

    def _send(self, line: str | bytes) -> None:
        self._writer.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")

    async def _capability(self, arguments: str) -> None:
        self._send(f"* CAPABILITY {CAPABILITIES}")

    async def _noop(self, arguments: str) -> None:
        if self._selected:
            self._send(f"* {self._office.count()} EXISTS")

    async def _logout(self, arguments: str) -> None:
        self._ended = True
        self._send("* BYE logging out")

    async def _login(self, arguments: str) -> None:
        credentials = tokens(arguments)
        if len(credentials) != 2:
            raise MalformedCommandError("LOGIN takes a user and a password")
        self._known = self._office.admits(credentials[0].encode(), credentials[1].encode())
        if not self._known:
            raise RefusalError("[AUTHENTICATIONFAILED] wrong user or password")

    def _require_login(self) -> None:
        if not self._known:
            raise MalformedCommandError("not logged in")

    async def _list(self, arguments: str) -> None:
        self._require_login()
        self._send(f'* LIST (\\HasNoChildren) "/" "{MAILBOX}"')

    async def _select(self, arguments: str) -> None:
        self._require_login()
        self._selected = [name.upper() for name in tokens(arguments)] == [MAILBOX]
        if not self._selected:
            raise RefusalError("[NONEXISTENT] no such mailbox")
        count = self._office.count()
        self._send("* FLAGS (\\Seen)")
        self._send(f"* {count} EXISTS")
        self._send("* 0 RECENT")
        self._send("* OK [PERMANENTFLAGS ()] read-only")
        self._send(f"* OK [UIDVALIDITY {UID_VALIDITY}] valid")
        self._send(f"* OK [UIDNEXT {count + 1}] next")

    async def _close(self, arguments: str) -> None:
        self._require_selected()
        self._selected = False

    def _require_selected(self) -> None:
        self._require_login()
        if not self._selected:
            raise MalformedCommandError("no mailbox is selected")

    async def _uid(self, arguments: str) -> None:
        name, _, rest = arguments.partition(" ")
        if name.upper() == "SEARCH":
            await self._search(rest)
        elif name.upper() == "FETCH":
            # RFC 3501, 6.4.8: the answer to UID FETCH always names the UID.
            numbers, _, items = rest.partition(" ")
            await self._fetch(f"{numbers} (UID {items})")
        else:
            raise MalformedCommandError(f"UID {name} is not supported")

    async def _search(self, arguments: str) -> None:
        self._require_selected()
        tests = list(_search_keys(tokens(arguments), self._office.count()))
        found = [str(body["uid"]) for body in self._office.messages() if all(test(body) for test in tests)]
        self._send(" ".join(["* SEARCH", *found]))

    async def _fetch(self, arguments: str) -> None:
        self._require_selected()
        numbers, _, names = arguments.partition(" ")
        items = tuple(dict.fromkeys(fetch_items(names)))
        for uid in sequence_set(numbers, self._office.count()):
            if message := self._office.message(uid):
                data = b" ".join(self._item(item, message) for item in items)
                self._send(b"* %d FETCH (%b)" % (uid, data))

    def _item(self, item: str, message: Body) -> bytes:
        uid = message["uid"]
        received = datetime.fromisoformat(message["received"]).strftime("%d-%b-%Y %H:%M:%S +0000")
        simple = {"UID": uid, "FLAGS": "()", "RFC822.SIZE": message["size"], "INTERNALDATE": f'"{received}"'}
        if item in simple:
            return f"{item} {simple[item]}".encode()
        part = _part(item, self._office.content(uid))
        return b"%b {%d}\r\n%b" % (item.replace(".PEEK", "").encode(), len(part), part)


def _part(item: str, raw: bytes) -> bytes:
    section = item.partition("[")[2].removesuffix("]")
    if item in ("RFC822", "BODY[]", "BODY.PEEK[]"):
        return raw
    if item == "RFC822.HEADER" or section == "HEADER":
        return header_part(raw)
    if section.startswith("HEADER.FIELDS ("):
        return header_fields(raw, section.removeprefix("HEADER.FIELDS (").removesuffix(")").split())
    raise MalformedCommandError(f"data item {item} is not supported")


def _search_keys(words: Sequence[str], highest: int) -> Iterator[Predicate]:
    rest = iter(words)
    for word in rest:
        key = word.upper()
        if key == "CHARSET":
            next(rest, "")
        elif key == "HEADER":
            yield _header_test(next(rest, ""), next(rest, ""))
        elif key in HEADER_KEYS:
            yield _header_test(key, next(rest, ""))
        elif key != "ALL":
            yield _number_test(next(rest, "") if key == "UID" else word, highest)


def _header_test(name: str, text: str) -> Predicate:
    # RFC 3501, 6.4.4: a header matches if it contains the text, in any case.
    key, wanted = name.lower(), text.lower()
    return lambda message: key in message["headers"] and wanted in message["headers"][key].lower()


def _number_test(text: str, highest: int) -> Predicate:
    numbers = frozenset(sequence_set(text, highest))
    return lambda message: message["uid"] in numbers
