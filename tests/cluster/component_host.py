"""On one machine every component has the same host name; this tells them apart as containers are told apart, by HOSTNAME."""

import os


def name() -> str:
    return os.environ["HOSTNAME"]
