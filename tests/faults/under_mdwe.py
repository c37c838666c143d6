"""The gateway as MemoryDenyWriteExecute= has it: no memory is ever both writable and executable (prctl(2))."""

from __future__ import annotations

import ctypes

_PR_SET_MDWE, _REFUSE_EXEC_GAIN = 65, 1


def deny() -> None:
    """From here on, for this process and all it starts; raises OSError on a kernel before 6.3."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_MDWE, _REFUSE_EXEC_GAIN, 0, 0, 0):
        raise OSError("this kernel has no PR_SET_MDWE")


if __name__ == "__main__":
    deny()
    import cli

    cli.main()
