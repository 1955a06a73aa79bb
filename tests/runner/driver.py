"""`python -m tests.runner.driver CONFIG [CHECKPOINT NUMBER] [--move-first]`: a run that kills itself at a checkpoint.

With --move-first inputs are moved away before anything is kept of them: what a careless runner does.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.runner import Runner


def main(path: str, name: str = "", number: str = "1", mode: str = "") -> int:
    met: Counter[str] = Counter()

    def checkpoint(here: str) -> None:
        met[here] += 1
        if here == name and met[here] == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    if mode == "--move-first":
        careful = Runner._enter  # noqa: SLF001  the negative control: the same runner, made careless

        def careless(self: Runner, accounts: list, items: list) -> list:  # type: ignore[type-arg]
            for item in items:
                item.finish(None)
                checkpoint("moved")
            return careful(self, accounts, items)

        Runner._enter = careless  # type: ignore[method-assign]  # noqa: SLF001  as above
    with opened(config.read(path), checkpoint=checkpoint) as parts:
        parts.runner.run(parts.sources, once=True)
        return 75 if parts.runner.troubled else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
