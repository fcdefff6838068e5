"""The cTrader Open API, spoken by Spotware's servers and by the built-in paper venue."""
