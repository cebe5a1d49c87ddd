"""`billhub migrate`: bring the store's schema to the newest version."""


def migrate() -> None:
    """Create the store's tables, or bring them to the newest version; does nothing when they are there.

    Example: billhub migrate
    """
    from billhub.cli.output import say  # noqa: PLC0415 - only what the command needs
    from billhub.store.engine import migrate as bring_up  # noqa: PLC0415
    from billhub.store.engine import open_engine  # noqa: PLC0415

    engine = open_engine()
    bring_up(engine)
    say(f"The store {engine.url.render_as_string(hide_password=True)} has the newest schema.")
    engine.dispose()
