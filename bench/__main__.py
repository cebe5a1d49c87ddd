"""`python -m bench [CHAPTER...] [--records N] [--rounds N]`: all chapters, or those named."""

import argparse

from bench import growth, ingest, mapping_speed, steps

CHAPTERS = ("mapping", "ingest", "growth", "steps")


def main() -> None:
    """Run the chapters in order."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="The hub beside others, side by side in one run."
    )
    parser.add_argument("chapters", nargs="*", choices=[[], *CHAPTERS], metavar="CHAPTER", help=", ".join(CHAPTERS))
    parser.add_argument("--records", type=int, default=100_000, help="records of 2 kB (default 100,000)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    given = parser.parse_args()
    wanted = given.chapters or CHAPTERS
    if "mapping" in wanted:
        mapping_speed.compare(given.records, given.rounds)
    if "ingest" in wanted:
        ingest.compare(given.records, given.rounds)
    if "growth" in wanted:
        growth.grow([given.records // 100, given.records // 10, given.records, given.records * 10])
    if "steps" in wanted:
        steps.compare(given.records // 20, given.rounds)


if __name__ == "__main__":
    main()
