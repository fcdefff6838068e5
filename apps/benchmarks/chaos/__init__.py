"""Breaking the product on purpose and auditing what is left: the parts of ``chaos_copy``.

``field`` opens the accounts, ``storm`` trades the masters, ``weather`` is what the venue does
wrong, ``strikes`` kills processes, ``books`` and ``records`` read what the venue and the product
wrote down, ``audit`` compares the two.
"""
