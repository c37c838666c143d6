"""Lines of the report as one table of numbers: where numpy comes in, which only a report needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.delays.way import Column

Numbers = npt.NDArray[np.int64]


def unpack(lines: Iterable[bytes]) -> Numbers:
    """Lines as a table, one column each; empty tables keep their columns."""
    flat: npt.NDArray[Any] = np.frombuffer(b"".join(lines), dtype="<i8")
    return flat.reshape(-1, len(Column)).T.astype(np.int64)  # a copy: columns lie side by side in memory
