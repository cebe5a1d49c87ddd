"""The HTTP layer against a socket that answers exactly what a test says, or nothing at all."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from threading import Thread

import pytest

from canonical_model.errors import ConfigurationError
from connectors import http
from connectors.contract import WriteRequest
from connectors.errors import (
    AmbiguousWriteError,
    ConnectTimeoutError,
    CredentialsError,
    HubError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
    UnsupportedError,
)
from connectors.outcomes import outcome_of, outcomes_of
from connectors.settings import Connection

READ, WRITE = http.Call("demo", "read things"), http.Call("demo", "write thing", writes=True)
FAST = http.Timeouts(connect=5, read=0.2)


@contextmanager
def server(answer: bytes | None, *, reset: bool = False) -> Iterator[str]:
    """A server that takes one request, gives `answer` (None: nothing, and holds the line) and closes or resets the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def run() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        if answer is None:
            held.append(connection)
            return
        connection.sendall(answer)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        thread.join(5)
        for connection in held:
            connection.close()
        listener.close()


def answer(status: str, body: str = "{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


def exchange(url: str, call: http.Call, timeouts: http.Timeouts = FAST) -> object:
    response = http.send(http.new_session(timeouts), call, "POST", url, data=b"{}")
    http.raise_for_status(response, call)
    return http.json_of(response, call)


def outcome_state(error: HubError) -> str:
    return outcome_of(error, "k").state


class TestLostAnswers:
    @pytest.mark.parametrize(("call", "error"), [(READ, UnavailableError), (WRITE, AmbiguousWriteError)])
    @pytest.mark.parametrize(
        ("sent", "reset"),
        [
            (None, False),
            (b"", False),
            (b"", True),
            (b"HTTP/1.1 200 OK\r\nContent-Le", False),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", False),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", False),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nnope", False),
            (answer("200 OK", "<html>"), False),
            (answer("200 OK", ""), False),
            (b"not HTTP at all\r\n\r\n", False),
        ],
        ids=[
            "silence",
            "closed",
            "reset",
            "half header",
            "half body",
            "half chunk",
            "bad gzip",
            "html",
            "empty",
            "no http",
        ],
    )
    def test_a_sent_request_without_readable_answer(
        self, call: http.Call, error: type[HubError], sent: bytes | None, reset: bool
    ) -> None:
        with server(sent, reset=reset) as url, pytest.raises(error, match=call.operation):
            exchange(url, call)

    @pytest.mark.parametrize("call", [READ, WRITE])
    def test_a_refused_connection_sent_nothing(self, call: http.Call) -> None:
        with socket.socket() as nobody_listens:
            nobody_listens.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}/"
            with pytest.raises(ConnectTimeoutError) as caught:
                exchange(url, call)
        assert outcome_state(caught.value) == "pending"

    @pytest.mark.parametrize("call", [READ, WRITE])
    def test_an_unknown_host_got_nothing(self, call: http.Call) -> None:
        with pytest.raises(ConnectTimeoutError):
            exchange("http://nowhere.invalid/", call)

    @pytest.mark.parametrize("url", ["nowhere", "ftp://nowhere/", "http://"])
    def test_no_url_is_a_setting_to_correct(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="host"):
            exchange(url, WRITE)


class TestStatuses:
    @pytest.mark.parametrize(
        ("status", "headers", "reading", "writing"),
        [
            ("401 Unauthorized", (), CredentialsError, CredentialsError),
            ("403 Forbidden", (), RejectedError, RejectedError),
            ("404 Not Found", (), RejectedError, RejectedError),
            ("408 Request Timeout", (), UnavailableError, AmbiguousWriteError),
            ("429 Too Many Requests", (), RateLimitedError, RateLimitedError),
            ("500 Internal Server Error", (), UnavailableError, AmbiguousWriteError),
            ("502 Bad Gateway", (), UnavailableError, AmbiguousWriteError),
            ("503 Service Unavailable", (), UnavailableError, AmbiguousWriteError),
            ("503 Service Unavailable", ("Retry-After: 5",), UnavailableError, UnavailableError),
            ("302 Found", ("Location: http://127.0.0.1:9/",), UnavailableError, AmbiguousWriteError),
        ],
    )
    def test_what_a_status_means(
        self, status: str, headers: tuple[str, ...], reading: type[HubError], writing: type[HubError]
    ) -> None:
        for call, error in ((READ, reading), (WRITE, writing)):
            with server(answer(status, "{}", *headers)) as url, pytest.raises(error, match=call.operation):
                exchange(url, call)

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("Retry-After: 7", 7), ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", None), ("X: y", None)],
    )
    def test_the_wait_is_kept(self, header: str, seconds: int | None) -> None:
        with server(answer("429 Too Many Requests", "{}", header)) as url, pytest.raises(RateLimitedError) as caught:
            exchange(url, WRITE)
        assert caught.value.retry_after == seconds
        error = outcome_of(caught.value, "k").error
        assert error is not None
        assert (error.code, error.retry_after) == ("rate_limited", seconds)

    def test_a_rejection_keeps_status_and_text(self) -> None:
        with (
            server(answer("422 Unprocessable Content", "no  such\nfield")) as url,
            pytest.raises(RejectedError) as caught,
        ):
            exchange(url, WRITE)
        assert (caught.value.code, caught.value.text) == ("422", "no such field")


class TestNumbers:
    @pytest.mark.parametrize(
        "text", ["0.1", "129600.00", "90071992547409.93", "1E+2", "-0.005", "123456789012345678901234567890.12"]
    )
    def test_decimals_go_and_come_digit_for_digit(self, text: str) -> None:
        assert http.json_bytes({"amount": Decimal(text)}) == f'{{"amount":{text}}}'.encode()
        with server(answer("200 OK", f'{{"amount":{text}}}')) as url:
            assert exchange(url, READ) == {"amount": Decimal(text)}

    def test_whole_numbers_stay_whole(self) -> None:
        with server(answer("200 OK", '{"id": 90071992547409931}')) as url:
            assert exchange(url, READ) == {"id": 90071992547409931}


class TestSession:
    def test_the_environment_is_ignored(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        with server(answer("200 OK", '{"direct": true}')) as url:
            assert exchange(url, READ) == {"direct": True}

    def test_an_sdk_that_names_no_timeout_gets_ours(self) -> None:
        with server(None) as url, pytest.raises(AmbiguousWriteError), http.translated(WRITE):
            http.new_session(FAST).post(url, data=b"x")

    @pytest.mark.parametrize("text", ["0", "-1", "soon"])
    def test_timeouts_must_be_positive_numbers(self, text: str) -> None:
        with pytest.raises(ConfigurationError, match="read_timeout"):
            http.Timeouts.from_connection(Connection(conn_id="x", extra={"read_timeout": text}))

    def test_timeouts_default(self) -> None:
        assert http.Timeouts.from_connection(
            Connection(conn_id="x", extra={"connect_timeout": "2.5"})
        ) == http.Timeouts(2.5, 30.0)

    @pytest.mark.parametrize(
        ("host", "port", "url"),
        [
            ("https://a.example/", None, "https://a.example"),
            ("a.example", None, "https://a.example"),
            ("http://127.0.0.1", 8080, "http://127.0.0.1:8080"),
        ],
    )
    def test_base_url(self, host: str, port: int | None, url: str) -> None:
        assert http.base_url(host, port) == url


class TestOutcomes:
    @pytest.mark.parametrize(
        ("make", "state", "code"),
        [
            (lambda names: RateLimitedError("slow", retry_after=3, **names), "pending", "rate_limited"),
            (lambda names: UnavailableError("down", **names), "pending", "unavailable"),
            (lambda names: ConnectTimeoutError("refused", **names), "pending", "connect_timeout"),
            (lambda names: AmbiguousWriteError("lost", **names), "uncertain", "no_answer"),
            (lambda names: RejectedError("no", code="X1", field="f", **names), "rejected", "X1"),
            (lambda names: UnsupportedError("cannot", **names), "rejected", "unsupported"),
        ],
    )
    def test_each_error_has_its_outcome(self, make: Callable, state: str, code: str) -> None:
        error = make({"connector": "demo", "operation": "write"})
        outcome = outcome_of(error, "k1")
        assert outcome.error is not None
        assert (outcome.key, outcome.state, outcome.error.code) == ("k1", state, code)

    def test_refused_credentials_stop_the_run(self) -> None:
        with pytest.raises(CredentialsError):
            outcome_of(CredentialsError("no", connector="demo", operation="write"), "k1")

    def test_a_call_that_fails_as_a_whole_fails_each_request(self) -> None:
        requests = [WriteRequest(key=key, payload={}) for key in ("a", "b")]
        outcomes = outcomes_of(AmbiguousWriteError("lost", connector="demo", operation="write"), requests)
        assert [(outcome.key, outcome.state) for outcome in outcomes] == [("a", "uncertain"), ("b", "uncertain")]
