"""The cTrader Open API, spoken by Spotware's servers and by the built-in paper venue.

Credentials: ``client_id`` and ``client_secret`` of the application, ``access_token`` and
``refresh_token`` of the person whose accounts they open, ``expires_at`` (Unix seconds) where
the token's end is known, ``ca_pem`` where the server's certificate is none that the system
trusts. ``renew_at`` is written by the adapter beside each new pair of tokens.

From the socket upwards: ``session`` (frames, answers), ``link`` (signed in, kept up),
``accounts`` (attached, subscribed), ``events`` and ``history`` (translated by ``inbound``),
``outbound`` (requests), ``connector`` (the port).
"""
