"""What can go wrong, as one tree.

BounceclassError
    SettingsError       an option that does not fit
    KnowledgeError      a data file or rule pack that can't be used; names file and spot
    CodeError           text that is no reply code and no enhanced status code
    InputError          an input that could not be opened or read whole
    StoreError          a database that can't be opened, read or written
    MissingExtraError   an optional dependency that is not installed; names the extra
    PluginError         a plugin that can't be used; stops that plugin only
    Retry, Refused      what an acting plugin raises: "ask me later", "never will"

Reading bytes never raises: any bytes give a Report.
"""

from __future__ import annotations

__all__ = [
    "BounceclassError",
    "CodeError",
    "InputError",
    "KnowledgeError",
    "MissingExtraError",
    "SettingsError",
    "StoreError",
]


class BounceclassError(Exception):
    """Every error that bounceclass raises on purpose."""


class SettingsError(BounceclassError):
    """An option that does not fit; the message names it."""


class KnowledgeError(BounceclassError):
    """A data file that can't be used: `where` is the file, with the spot in it if known."""

    def __init__(self, where: str, fault: str) -> None:
        """Keep the spot and the fault apart, for callers that list several."""
        super().__init__(f"{where}: {fault}")
        self.where = where
        self.fault = fault


class CodeError(BounceclassError):
    """Text that is neither an SMTP reply code nor an enhanced status code."""


class InputError(BounceclassError):
    """An input that could not be opened or read whole: `source` is the path as given."""

    def __init__(self, source: str, fault: str) -> None:
        """Keep the input's name and the fault apart."""
        super().__init__(f"{source}: {fault}")
        self.source = source
        self.fault = fault


class StoreError(BounceclassError):
    """A database that can't be opened, read or written: `url` names it, without its password.

    `transient` tells that waiting may help (locked, absent, full, stopped). Nothing of the transaction was kept, but where the
    connection was lost during the commit itself: then that is unknown, and repeating is safe, by the event key.
    """

    def __init__(self, url: str, fault: str, *, transient: bool = False) -> None:
        """Keep the database's name and the fault apart."""
        super().__init__(f"{url}: {fault}")
        self.url = url
        self.fault = fault
        self.transient = transient


class MissingExtraError(BounceclassError):
    """An optional dependency that is not installed; the message names the extra to install."""

    def __init__(self, module: str, extra: str, distribution: str = "bounceclass") -> None:
        """Say which module is missing and what to install for it."""
        super().__init__(f"{module} is not installed: pip install '{distribution}[{extra}]'")
        self.extra = extra


class PluginError(BounceclassError):
    """A plugin that can't be used: not installed, its settings don't fit, a misspelt hook. Only that plugin is stopped."""

    def __init__(self, plugin: str, fault: str) -> None:
        """Keep the plugin's name and the fault apart."""
        super().__init__(f"plugin {plugin}: {fault}")
        self.plugin = plugin
        self.fault = fault


class Retry(BounceclassError):  # noqa: N818  a wish, not a fault
    """Raised by an acting hook: not now, ask again in `after` seconds."""

    def __init__(self, after: float, why: str = "") -> None:
        """Say when to ask again, and why not now."""
        super().__init__(why or f"asks to be called again in {after:g} s")
        self.after = after


class Refused(BounceclassError):  # noqa: N818  an answer, not a fault
    """Raised by an acting hook: this will never work, don't ask again (a dead letter)."""
