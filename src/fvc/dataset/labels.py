"""What a label says: real is 0, fake is 1, and the rest only when asked for."""

from fvc.errors import OptionError

REAL, FAKE = 0, 1
FVC_LABELS = ("real", "fake", "uncertain", "debunked", "parody")

_BINARY = {"real": REAL, "fake": FAKE, "0": REAL, "1": FAKE}
# A debunked claim and a parody do not show what they seem to show; of uncertain ones nobody knows.
_SIDE_IF_ASKED = {"debunked": FAKE, "parody": FAKE}


def parse_label(text: str) -> int | None:
    """0 for ``real`` or ``0``, 1 for ``fake`` or ``1`` in any case; None for anything else."""
    cleaned = text.strip().casefold()
    return _BINARY.get(cleaned.removesuffix(".0"))


def label_sides(include: tuple[str, ...]) -> dict[str, int]:
    """Which of the corpus's labels are kept, and as what.

    Parameters
    ----------
    include
        Labels to keep beside real and fake: ``"debunked"`` and ``"parody"`` count as fake unless
        said otherwise (``"parody=real"``); ``"uncertain"`` needs to be said (``"uncertain=fake"``).

    Raises
    ------
    OptionError
        An unknown label, or one whose side is not known.
    """
    sides = {"real": REAL, "fake": FAKE}
    for item in include:
        name, _, side = (part.strip().casefold() for part in item.partition("="))
        if name not in FVC_LABELS:
            raise OptionError(f"label {name!r} is unknown; there are {', '.join(FVC_LABELS)}")
        if side:
            value = parse_label(side)
            if value is None:
                raise OptionError(f"{item!r}: a label counts as real or fake, not as {side!r}")
        elif name in sides:
            continue
        elif name in _SIDE_IF_ASKED:
            value = _SIDE_IF_ASKED[name]
        else:
            raise OptionError(f"{name!r} has no side of its own: say {name}=fake or {name}=real")
        if name in ("real", "fake") and value != sides[name]:
            raise OptionError(f"{item!r} turns a label round")
        sides[name] = value
    return sides
