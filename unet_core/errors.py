"""The errors a user can cause."""


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do.

    Pages and the command line show the message alone, never a traceback.
    """
