"""The field's words in plain Python: sides, orders, deals, positions, volumes, money, margin.

Nothing here knows Django, a database or a network. Volumes are *units* of the base asset
(100,000 units of EURUSD are one lot where ``lot_units`` is 100,000), prices are absolute,
times are aware UTC datetimes, and money, prices and volumes are :class:`decimal.Decimal`.
"""
