"""The errors a user can cause."""

import errno

HEAVY = ("keras", "tensorflow", "tf2onnx")
NOT_INSTALLED = "This needs TensorFlow: pip install 'unet-studio[train]'."


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do.

    Pages and the command line show the message alone, never a traceback.
    """


def explained(error: BaseException) -> UserError | None:
    """The error in words: itself, what is not installed, or what a disk or folder refuses.

    None for any other kind.
    """
    if isinstance(error, UserError):
        return error
    if isinstance(error, ModuleNotFoundError) and error.name in HEAVY:
        return UserError(NOT_INSTALLED)
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError("The disk is full; make room and start again: what has come stays.")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return UserError(
            f"{error.filename} cannot be written ({error.strerror}); choose another folder, or get "
            "leave to write there."
        )
    return None


def some(names: list[str]) -> str:
    """The first names, and how many more there are.

    >>> some(list("abcdefg"))
    'a, b, c, d, e and 2 more'
    """
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
