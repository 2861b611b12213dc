"""The exceptions that a user can cause; each message is one line that says where and what to do."""


class InputError(ValueError):
    """A mistake in the user's file, configuration or argument.

    The message is a single line that names the file, key or pixel, what was found, and what to do.
    The workflow prints it without a traceback.
    """


class StoreError(InputError):
    """A result store is missing, incomplete or damaged; the message names the store and the chunk."""


class MethodFailedError(RuntimeError):
    """An unmixing method could not give a result on these data; the message says why.

    The workflow records it as the method's status and goes on with the other methods.
    """
