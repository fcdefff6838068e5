"""Account statements of other platforms, read whole or not at all.

:func:`apps.analytics.domain.statements.read.read_statement` takes the bytes of a file and answers
a :class:`~apps.analytics.domain.statements.records.Statement`, or raises a ``StatementError`` that
names every line that is wrong and why. Nothing is guessed and nothing is left out.
"""
