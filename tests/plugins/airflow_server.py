"""Airflow's API server on a free port, as a process of its own: Airflow reads its settings once, when it is imported."""

import socket
import sys

import uvicorn
from airflow.api_fastapi.app import create_app
from airflow.utils.db import initdb


def main() -> None:
    initdb()
    app = create_app(apps="core")
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"port {listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
