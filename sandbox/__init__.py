"""Stand-ins of the external systems, each speaking its vendor's own protocol over real sockets.

They are written from the vendors' specifications and import nothing else of this project, so that a
misreading in a connector is not repeated here. Start them with `python -m sandbox serve`, or in a
test with `sandbox.serve(...)`.

A system is a folder `sandbox/<system>/` with an `app.py` that defines

    create_app(storage: Storage, seed: Path, as_of: date) -> ASGI app

`seed` is the root of the seed folders; the app reads `seed/<system>/<Object>.csv` if, and only if, its
storage is empty. A system that listens on more than HTTP also defines

    async start_listeners(app) -> dict[str, str]   (endpoint name -> URL)

which runs once in the server's event loop before the system is called ready.
"""

from sandbox.server import DEFAULT_AS_OF, Endpoints, SandboxError, serve

__all__ = ["DEFAULT_AS_OF", "Endpoints", "SandboxError", "serve"]
